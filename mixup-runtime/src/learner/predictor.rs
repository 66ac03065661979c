//! Predictions from a bundle: a model without data, optimizer and callbacks.

use std::{fmt, path::Path};

use tch::{Device, Kind, Tensor, nn::VarStore};

use super::{
    BundleError, Predictions,
    bundle::{self, About, ItemForm},
};
use crate::{
    batch::{AnyOutput, Input, Output, OutputType},
    data::ImageData,
    error::{BoxError, or_refusal},
    files::Archive,
    loss::{Activation, Loss, LossFunc},
    model::{AnyModel, Grouping, Model, Params, Vars},
};

/// A model from a bundle, which predicts as the learner did that has [saved it](super::Learner::save_bundle).
///
/// ```no_run
/// use mixup::{learner::Predictor, prelude::*};
///
/// # fn main() -> Result<(), BoxError> {
/// # let images = tch::Tensor::new();
/// let predictor = Predictor::load("digits.safetensors", |vs| simple_cnn(vs, &[1, 16, 10]))?;
/// for digit in predictor.predict(&images)?.best()? {
///     println!("{digit}"); // `3 (0.412)`
/// }
/// # Ok(())
/// # }
/// ```
pub struct Predictor {
    model: Box<dyn AnyModel>,
    params: Params,
    about: About,
    loss: Option<LossFunc>,
    device: Device,
}

impl Predictor {
    /// Loads a bundle onto the CPU. The closure builds the model, as that of the learner did.
    ///
    /// # Errors
    /// [`BundleError`]: the file can't be read or is no bundle, or its weights are not those of the model.
    pub fn load<M: Model>(path: impl AsRef<Path>, model: impl FnOnce(&Vars<'_>) -> M) -> Result<Self, BundleError> {
        Self::load_on(Device::Cpu, path, model)
    }

    /// Loads a bundle onto a device.
    ///
    /// # Errors
    /// As for [`load`](Self::load), and if the device does not exist or has no room.
    pub fn load_on<M: Model>(
        device: Device,
        path: impl AsRef<Path>,
        model: impl FnOnce(&Vars<'_>) -> M,
    ) -> Result<Self, BundleError> {
        Self::load_knowing(device, path.as_ref(), |vars, _| model(vars))
    }

    /// Loads a bundle whose model is built with a look at its weights.
    pub(crate) fn load_knowing<M: Model>(
        device: Device,
        path: &Path,
        model: impl FnOnce(&Vars<'_>, &Archive) -> M,
    ) -> Result<Self, BundleError> {
        let bundle::Read { about, weights, model: state } = bundle::read(path)?;
        let var_store = VarStore::new(device);
        // The first values are replaced, so it does not matter where they come from.
        let built = or_refusal(|| Ok::<_, BoxError>(model(&Vars::new(var_store.root(), 0), &weights)));
        let mut model =
            built.map_err(|source| BundleError::Model { input: "no input, while it is built".to_owned(), source })?;
        let params = Params::new(var_store, &Grouping::default())?;
        adopt_kinds(&params, &weights)?;
        params.load_all(path, &weights)?;
        match (state, Model::stateful(&mut model)) {
            (Some(state), Some(model)) => state.load_into(model)?,
            (None, None) => {}
            (state, _) => {
                return Err(BundleError::ModelState { saved: state.is_some(), model: Model::type_name(&model) });
            }
        }
        Ok(Self { model: Box::new(model), params, about, loss: None, device })
    }

    /// Sets the loss function, whose activation the predictions get. This is needed if the learner had a loss function whose activation only its
    /// code knows, as one of your own; a closure has none.
    #[must_use]
    pub fn loss<O: Output>(mut self, loss: impl Loss<O>) -> Self {
        self.loss = Some(LossFunc::new(loss));
        self
    }

    /// The names of the classes; empty if they have none.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.about.classes
    }

    /// The inputs of one item, as they were in the training data; `None` if that was a stream.
    #[must_use]
    pub fn inputs(&self) -> Option<&[ItemForm]> {
        self.about.inputs.as_deref()
    }

    /// The weights, by name.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Prepares pictures as those were prepared on which the model was trained: their channels, the transforms of all pictures
    /// ([`items`](ImageData::items)), and the normalization, with the numbers of the training data if it came from there. What is random in
    /// training ([`augment`](ImageData::augment)) is left out. Transforms that the given pictures have already are applied before.
    ///
    /// ```no_run
    /// use mixup::{learner::Predictor, prelude::*};
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// # let predictor = Predictor::load("pets.safetensors", |vs| simple_cnn(vs, &[3, 16, 2]))?;
    /// let photos = predictor.prepare(ImageData::unlabelled("new")?)?.loader()?;
    /// for pet in predictor.predict(&photos.all()?.input)?.best()? {
    ///     println!("{pet}"); // `cat (0.982)`
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BundleError::Preparation`] if the training data was not made by [`ImageData`], or with a transform that has no
    /// [recipe](crate::transforms::Transform::recipe).
    pub fn prepare(&self, images: ImageData) -> Result<ImageData, BundleError> {
        let not_said = |why| BundleError::Preparation { why };
        let preparation = self.about.pictures.as_ref();
        let preparation =
            preparation.ok_or_else(|| not_said("the training data was not made by `ImageData`".to_owned()))?;
        images.prepared(preparation).map_err(|transform| {
            not_said(format!("the transform `{transform}` has no recipe, or does not change all pictures"))
        })
    }

    /// Predicts a batch of inputs, a tensor `[n, …]` or an [`Input`], which is sent to the predictor's device. See
    /// [`Learner::predict`](super::Learner::predict).
    ///
    /// The input must be of the kind that the training data had, with the same number of dimensions. Other sizes are left to the model.
    ///
    /// # Errors
    /// [`BundleError`]: the input is of another form, the model refuses it, the activation is not known, or the output is not one tensor.
    pub fn predict(&self, input: impl Into<Input>) -> Result<Predictions, BundleError> {
        self.predict_as(input)
    }

    /// The same for a model whose output is of another type.
    ///
    /// # Errors
    /// As for [`predict`](Self::predict), and if the model's output is not an `O`.
    pub fn predict_as<O: Output>(&self, input: impl Into<Input>) -> Result<Predictions<O>, BundleError> {
        let (wanted, got) = (OutputType::of::<O>(), self.model.output_type());
        if !wanted.takes(got) {
            return Err(BundleError::OutputType { wanted: wanted.name(), got: got.name() });
        }
        let input = input.into();
        self.check(&input)?;
        let _no_grad = tch::no_grad_guard();
        let input = input.to_device(self.device)?;
        let output = or_refusal(|| self.model.forward_any(&input, false));
        let outputs =
            output.and_then(|output| or_refusal(|| Ok(self.activate(output)?.map(AnyOutput::into).transpose()?)));
        let outputs = outputs.map_err(|source| BundleError::Model { input: input.to_string(), source })?;
        let outputs = outputs.ok_or_else(|| BundleError::Activation { loss: self.about.loss.clone() })?;
        Ok(Predictions { outputs, targets: None, losses: None, classes: self.about.classes.clone() })
    }

    /// The predictions for an output; `None` if the activation is not known.
    fn activate(&self, output: AnyOutput) -> Result<Option<AnyOutput>, BoxError> {
        Ok(match (&self.loss, self.about.activation) {
            (Some(loss), _) => Some(loss.activation(&output)?),
            (None, Some(Activation::Identity)) => Some(output),
            (None, Some(activation)) => Some(AnyOutput::new(activation.of(output.get::<Tensor>()?)?)),
            (None, None) => None,
        })
    }

    fn check(&self, input: &Input) -> Result<(), BundleError> {
        let Some(wanted) = &self.about.inputs else { return Ok(()) };
        let got: Vec<_> = input.tensors().into_iter().map(ItemForm::of).collect();
        let fits = |(wanted, (got, tensor)): (&ItemForm, (&ItemForm, &&Tensor))| {
            wanted.kind == got.kind && wanted.shape.len() + 1 == tensor.dim()
        };
        if wanted.len() == got.len() && wanted.iter().zip(got.iter().zip(&input.tensors())).all(fits) {
            return Ok(());
        }
        let forms = |forms: &[ItemForm]| forms.iter().map(ItemForm::to_string).collect::<Vec<_>>().join(" and ");
        Err(BundleError::Input { wanted: forms(wanted), got: input.to_string() })
    }
}

impl fmt::Debug for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor").field("about", &self.about).field("device", &self.device).finish_non_exhaustive()
    }
}

/// Gives the model's floats the kinds that they have in the file: the learner may have converted its model to half precision.
fn adopt_kinds(params: &Params, weights: &Archive) -> Result<(), BundleError> {
    let is_float = |kind| matches!(kind, Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double);
    let _no_grad = tch::no_grad_guard();
    for (name, mut variable) in params.variables() {
        let Some(kind) = weights.tensors.get(&name).map(Tensor::kind) else { continue };
        if kind != variable.kind() && is_float(kind) && is_float(variable.kind()) {
            let converted = variable.f_to_kind(kind)?;
            variable.f_set_data(&converted)?;
        }
    }
    Ok(())
}
