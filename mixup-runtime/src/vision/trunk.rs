//! Trunks: networks that turn pictures into features.

use std::fmt;

use tch::{
    nn::{ModuleT, Path},
    vision::resnet,
};

/// A network without its last layer, which turns pictures `[n, 3, h, w]` into features `[n, features]`.
///
/// [`resnet18`] and others build those that torchvision and timm have weights for. A closure builds one of your own:
///
/// ```
/// use mixup::{prelude::*, vision::{Trunk, Weights, vision_learner}};
/// use tch::nn;
///
/// # fn main() -> Result<(), BoxError> {
/// let small = |vs: &nn::Path<'_>| {
///     let conv = nn::conv2d(vs / "conv", 1, 16, 3, Default::default());
///     let features = move |x: &tch::Tensor| x.apply(&conv).relu().adaptive_avg_pool2d([1, 1]).flatten(1, -1);
///     Trunk::new(nn::func(features), 16)
/// };
/// let mut learn = vision_learner(ImageData::digits()?.build()?, small, Weights::Random)?.quiet().build()?;
/// learn.fit(1, 3e-3)?;
/// # Ok(())
/// # }
/// ```
pub struct Trunk {
    pub(super) module: Box<dyn ModuleT>,
    pub(super) features: i64,
}

impl Trunk {
    /// Creates a trunk from a module of `tch`, and how many features it returns for each picture.
    pub fn new(module: impl ModuleT + 'static, features: i64) -> Self {
        Self { module: Box::new(module), features }
    }
}

impl fmt::Debug for Trunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trunk").field("features", &self.features).finish_non_exhaustive()
    }
}

/// ResNet-18 (He et al., arXiv:1512.03385): 512 features, 11.2 million parameters.
#[must_use]
pub fn resnet18(path: &Path<'_>) -> Trunk {
    Trunk::new(resnet::resnet18_no_final_layer(path), 512)
}

/// ResNet-34: 512 features, 21.3 million parameters.
#[must_use]
pub fn resnet34(path: &Path<'_>) -> Trunk {
    Trunk::new(resnet::resnet34_no_final_layer(path), 512)
}

/// ResNet-50: 2,048 features, 23.5 million parameters.
#[must_use]
pub fn resnet50(path: &Path<'_>) -> Trunk {
    Trunk::new(resnet::resnet50_no_final_layer(path), 2048)
}
