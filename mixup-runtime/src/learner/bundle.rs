//! A bundle: one file with all that predictions need beside the program, so that a fresh process predicts without data.
//!
//! It is a file of weights, which `load` reads too, with a description in its metadata. Next to the weights it has what the model itself
//! remembers, if the model is `Stateful`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{BundleError, Learner};
use crate::{
    data::Preparation,
    error::or_refusal,
    files::{Archive, RealDisk, Unread},
    loss::Activation,
    model::NO_WEIGHTS,
    state::State,
    training::Error,
};

/// The description, among the metadata.
const BUNDLE: &str = "mixup.bundle";
/// The version of the description. A field that a reader may ignore does not change it.
const VERSION: u32 = 1;

/// The description in a bundle.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct About {
    version: u32,
    /// The type of the model, for messages.
    pub model: String,
    /// The loss function, for messages.
    pub loss: String,
    /// The activation; `None` if only the loss function's code knows it.
    pub activation: Option<Activation>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The inputs of one item; `None` if the data could not tell.
    pub inputs: Option<Vec<ItemForm>>,
    /// How pictures are prepared; `None` if the data was not made from pictures.
    #[serde(default)]
    pub pictures: Option<Preparation>,
}

/// What an input looks like: its kind, and its shape without the batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemForm {
    /// The kind, as `tch` calls it: `Float`.
    pub kind: String,
    /// The shape of one item: `[3, 224, 224]`.
    pub shape: Vec<i64>,
}

impl ItemForm {
    /// The form of the items in a batch.
    pub(super) fn of(batch: &Tensor) -> Self {
        Self { kind: format!("{:?}", batch.kind()), shape: batch.size().into_iter().skip(1).collect() }
    }
}

/// `[n, 3, 224, 224] Float`, as inputs are shown.
impl std::fmt::Display for ItemForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[n")?;
        self.shape.iter().try_for_each(|size| write!(f, ", {size}"))?;
        write!(f, "] {}", self.kind)
    }
}

impl Learner {
    /// Writes a bundle: the weights, the names of the classes, the form of the inputs, how pictures are prepared, and the activation, in one
    /// file. A [`Predictor`](super::Predictor) in a fresh process predicts with it, without data.
    ///
    /// The weights are those of predictions: this runs `on_predict_begin` and `on_predict_end`, between which a callback may exchange the weights
    /// for averaged ones. A callback that changes the batches of predictions is refused, because the bundle can't have it.
    ///
    /// The file is also a file of weights for [`load`](Self::load). It is replaced atomically, as by [`save`](Self::save).
    ///
    /// ```
    /// use mixup::{learner::Predictor, prelude::*};
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("digits.safetensors");
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).quiet().build()?;
    /// learn.fit(1, 3e-3)?;
    /// learn.save_bundle(&path)?; // "digits.safetensors"
    /// let image = learn.data().train().sample()?.input;
    ///
    /// // in another program
    /// let predictor = Predictor::load(&path, |vs| simple_cnn(vs, &[1, 16, 10]))?;
    /// let digit = &predictor.predict(&image)?.best()?[0];
    /// println!("{digit}"); // `3 (0.412)`
    /// # assert_eq!(*digit, learn.predict(&image)?.best()?[0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn save_bundle(&mut self, path: impl AsRef<Path>) -> Result<(), BundleError> {
        if let Some((callback, hook, changes)) = self.callbacks.changes_predictions() {
            return Err(BundleError::Callback { callback, hook, changes });
        }
        let written = self.between_predict_hooks(|learner| Ok(learner.write_bundle(path.as_ref())));
        let written = written.map_err(|source| BundleError::Run(Box::new(source)))?;
        let stopped = || Error::Stopped { what: "the bundle has", outcome: self.state.outcome.to_string() };
        written.unwrap_or_else(|| Err(BundleError::Run(Box::new(stopped()))))
    }

    fn write_bundle(&mut self, path: &Path) -> Result<(), BundleError> {
        let state = &mut self.state;
        // A stream can't be looked into.
        let sample = or_refusal(|| state.data.train().sample()).ok();
        let about = About {
            version: VERSION,
            model: state.model.type_name(),
            loss: state.loss_func.name(),
            activation: state.loss_func.known_activation(),
            classes: state.data.classes().to_vec(),
            inputs: sample.map(|batch| batch.input.tensors().into_iter().map(ItemForm::of).collect()),
            pictures: state.data.picture_facts().map(|facts| facts.preparation.clone()),
        };
        let about = serde_json::to_string(&about).map_err(|error| BundleError::Written(error.to_string()))?;
        let mut tensors = state.params.variables();
        if let model @ Some(_) = state.model.stateful() {
            let mut bytes = Vec::new();
            ciborium::into_writer(&State::of(&model)?, &mut bytes)
                .map_err(|error| BundleError::Written(error.to_string()))?;
            tensors.insert(model_state(), Tensor::f_from_slice(&bytes)?);
        }
        let archive = Archive { metadata: [(BUNDLE.to_owned(), about)].into(), tensors };
        Ok(archive.write(&RealDisk, path)?)
    }
}

/// A bundle that was read: what it says of itself, the weights, and what the model remembers.
pub(super) struct Read {
    pub about: About,
    pub weights: Archive,
    pub model: Option<State>,
}

/// Reads a bundle.
pub(super) fn read(path: &Path) -> Result<Read, BundleError> {
    let weights = Archive::read(&RealDisk, path)?;
    let malformed = |reason: String| BundleError::Malformed { path: path.to_owned(), reason };
    let about = weights.description(BUNDLE, VERSION).map_err(|unread| match unread {
        Unread::Missing => BundleError::NoBundle { path: path.to_owned() },
        Unread::Newer(found) => BundleError::Newer { path: path.to_owned(), found, known: VERSION },
        Unread::Malformed(reason) => malformed(reason),
    })?;
    let model = weights.tensors.get(&model_state()).map(|bytes| {
        let bytes = Vec::<u8>::try_from(bytes)?;
        ciborium::from_reader(&*bytes).map_err(|error| malformed(error.to_string()))
    });
    Ok(Read { about, model: model.transpose()?, weights })
}

/// The name of the tensor that has the model's state.
fn model_state() -> String {
    format!("{NO_WEIGHTS}model")
}
