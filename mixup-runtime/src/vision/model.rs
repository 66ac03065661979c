//! A trunk with a new head, and the learner of both.

use std::path::PathBuf;

use tch::{
    Device, Tensor,
    nn::{self, Init, Path},
};

use super::Trunk;
use crate::{
    batch::{Input, Target},
    data::Data,
    error::BoxError,
    learner::{BundleError, Learner, LearnerBuilder, Predictor},
    loss::{BceWithLogits, Mse},
    model::{Model, Vars},
    training::Error,
};

/// Where the trunk's first weights come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weights {
    /// They are drawn: nothing is known yet, and everything is trained from the beginning.
    Random,
    /// A safetensors file with the names of torchvision and timm: `conv1.weight`, `layer1.0.conv1.weight`, … Its last layer is passed over. PyTorch writes it
    /// with `safetensors.torch.save_file(torchvision.models.resnet18(weights="DEFAULT").state_dict(), "resnet18.safetensors")`.
    File(PathBuf),
}

impl<P: Into<PathBuf>> From<P> for Weights {
    fn from(path: P) -> Self {
        Self::File(path.into())
    }
}

/// Starts building a learner for pictures, as fastai's `vision_learner`: a pretrained trunk and a new head, in the groups `trunk` and `head`. With weights from
/// a file the trunk is frozen at first, until [`fine_tune`](Learner::fine_tune) or [`unfreeze`](Learner::unfreeze).
///
/// The head has two layers with batch norms and dropout, and as many outputs as the data has classes, or numbers for each picture. The loss function
/// is cross-entropy for one class, binary cross-entropy for several, and the squared error for numbers.
///
/// ```no_run
/// use mixup::{prelude::*, vision::{resnet18, vision_learner}};
///
/// # fn main() -> Result<(), BoxError> {
/// let data = ImageData::from_folder("photos")?
///     .split(RandomSplit::new(0.2, 42))
///     .items(Resize::new(224).crop())
///     .augment([RandomFlip::horizontal()])
///     .normalize(Normalize::IMAGENET)
///     .build()?;
/// let mut learn = vision_learner(data, resnet18, "resnet18.safetensors")?.metric(accuracy).build()?;
/// learn.fine_tune(5)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the data is a stream, whose targets can't be looked at, or if its first item can't be made. [`build`](LearnerBuilder::build) reports what is
/// wrong with the file.
pub fn vision_learner(
    data: Data,
    trunk: impl FnOnce(&Path<'_>) -> Trunk + 'static,
    weights: impl Into<Weights>,
) -> Result<LearnerBuilder<VisionModel>, Error> {
    let weights = weights.into();
    let classes = data.classes().len();
    let sample = data.train().sample().map_err(|source| Error::Pictures { source: Box::new(source) })?;
    let outputs = match &sample.target {
        Target::Dense(numbers) => numbers.size().get(1).copied().unwrap_or(1),
        _ => classes as i64,
    };
    let several = matches!(sample.target, Target::Dense(_));
    let builder = Learner::builder(data, move |vars| VisionModel::new(vars, trunk, outputs))
        .group("trunk", |name, _| name.starts_with("trunk."))
        .group("head", |name, _| name.starts_with("head."));
    let builder = match (several, classes) {
        (false, _) => builder,
        (true, 0) => builder.loss(Mse),
        (true, _) => builder.loss(BceWithLogits::default()),
    };
    let Weights::File(file) = weights else { return Ok(builder) };
    Ok(builder.finish(move |learn| {
        let loaded = learn.load_matching(&file, |name| name.strip_prefix("trunk.").map(str::to_owned));
        let loaded = loaded.map_err(|source| Error::Weights { source: Box::new(source) })?;
        if !loaded.missing.is_empty() {
            let missing = loaded.missing.into_iter().map(|(_, name)| name).collect();
            return Err(Error::Trunk { file, missing });
        }
        learn.freeze("trunk")
    }))
}

/// Loads a bundle of a learner that [`vision_learner`] has built, with the same trunk. It predicts on the CPU.
///
/// ```no_run
/// use mixup::{prelude::*, vision::{resnet18, vision_predictor}};
///
/// # fn main() -> Result<(), BoxError> {
/// let predictor = vision_predictor("pets.safetensors", resnet18)?;
/// let photos = predictor.prepare(ImageData::unlabelled("new")?)?.loader()?;
/// for (item, pet) in predictor.predict(&photos.all()?.input)?.best()?.iter().enumerate() {
///     println!("{}: {pet}", photos.name(item)); // `new/1.jpg: cat (0.982)`
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As for [`Predictor::load`].
pub fn vision_predictor(
    bundle: impl AsRef<std::path::Path>,
    trunk: impl FnOnce(&Path<'_>) -> Trunk,
) -> Result<Predictor, BundleError> {
    Predictor::load_knowing(Device::Cpu, bundle.as_ref(), |vars, weights| {
        // A bundle without that layer is refused, with the names of what is missing.
        let last = weights.tensors.get("head.linear2.weight");
        let outputs = last.and_then(|weight| weight.size().first().copied()).unwrap_or(1);
        VisionModel::new(vars, trunk, outputs)
    })
}

/// A trunk and a head, as [`vision_learner`] builds it.
#[derive(Debug)]
pub struct VisionModel {
    trunk: Trunk,
    head: Head,
}

impl VisionModel {
    /// Builds the trunk under the path `trunk`, and a head with this many outputs under `head`.
    pub fn new(vars: &Vars<'_>, trunk: impl FnOnce(&Path<'_>) -> Trunk, outputs: i64) -> Self {
        let trunk = trunk(&(vars / "trunk"));
        let head = Head::new(&(vars / "head"), trunk.features, outputs);
        Self { trunk, head }
    }

    /// The features of pictures, before the head: `[n, features]`.
    ///
    /// # Errors
    /// If the input is not one tensor.
    pub fn features(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        Ok(self.trunk.module.forward_t(input.one()?, train))
    }
}

impl Model for VisionModel {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        Ok(self.head.forward(&self.features(input, train)?, train))
    }
}

/// fastai's head for pooled features: batch norm, dropout of a quarter, a linear layer to 512, `relu`, batch norm, dropout of a half, and a linear
/// layer to the outputs.
#[derive(Debug)]
struct Head {
    norms: [nn::BatchNorm; 2],
    layers: [nn::Linear; 2],
}

impl Head {
    const HIDDEN: i64 = 512;

    fn new(path: &Path<'_>, features: i64, outputs: i64) -> Self {
        let norm = |name: &str, size| nn::batch_norm1d(path / name, size, nn::BatchNormConfig::default());
        // fastai draws the head's weights from He's distribution (arXiv:1502.01852).
        let config = nn::LinearConfig {
            ws_init: nn::init::DEFAULT_KAIMING_NORMAL,
            bs_init: Some(Init::Const(0.0)),
            bias: false,
        };
        let linear = |name: &str, from, to| nn::linear(path / name, from, to, config);
        Self {
            norms: [norm("norm1", features), norm("norm2", Self::HIDDEN)],
            layers: [linear("linear1", features, Self::HIDDEN), linear("linear2", Self::HIDDEN, outputs)],
        }
    }

    fn forward(&self, features: &Tensor, train: bool) -> Tensor {
        let [norm1, norm2] = &self.norms;
        let [linear1, linear2] = &self.layers;
        let hidden = features.apply_t(norm1, train).dropout(0.25, train).apply(linear1).relu();
        hidden.apply_t(norm2, train).dropout(0.5, train).apply(linear2)
    }
}
