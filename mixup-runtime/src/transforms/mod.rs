//! Transforms of single pictures in plain memory, before they become a batch: sizes, crops, flips, colours.
//!
//! A [`Transform`] changes one [`Picture`]. [`ImageData`](crate::data::ImageData) takes those for all pictures with `items(…)` and those for
//! training only with `augment(…)`. What torchvision defines has torchvision's numbers, as it computes them on Pillow's images.

mod chain;
mod color_jitter;
mod crop;
mod error;
mod flip;
#[cfg(test)]
mod golden;
mod hsv;
mod normalize;
mod picture;
mod recipe;
mod resample;
mod resize;
mod rotate;

use std::fmt;

pub(crate) use self::chain::Chain;
pub use self::{
    chain::AnyTransform,
    color_jitter::ColorJitter,
    crop::{CenterCrop, RandomResizedCrop},
    error::TransformError,
    flip::RandomFlip,
    normalize::Normalize,
    picture::Picture,
    recipe::Recipe,
    resize::Resize,
    rotate::Rotate,
};
use crate::rng::Rng;

/// Changes a picture, perhaps at random.
///
/// ```
/// use mixup::{Rng, transforms::{Picture, Transform, TransformError}};
/// use rand::RngExt as _;
///
/// /// Inverts the colours of every other picture.
/// #[derive(Debug)]
/// struct Invert;
///
/// impl Transform for Invert {
///     fn apply(&self, mut picture: Picture, rng: &mut Rng) -> Result<Picture, TransformError> {
///         if rng.random() {
///             picture.pixels_mut().iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
///         }
///         Ok(picture)
///     }
/// }
///
/// # fn main() -> Result<(), mixup::data::DataError> {
/// # let photos = tempfile::tempdir().expect("a folder");
/// # std::fs::create_dir_all(photos.path().join("train/a")).expect("a folder");
/// # image::RgbImage::new(8, 8).save(photos.path().join("train/a/x.png")).expect("a picture");
/// let data = mixup::data::ImageData::from_folder(&photos)?.augment([Invert]).build()?;
/// # let _ = data;
/// # Ok(())
/// # }
/// ```
pub trait Transform: fmt::Debug + Send + Sync + 'static {
    /// Changes a picture. Draw whatever is random from `rng`, which is a function of the learner's seed, the epoch, the picture and the
    /// transform: then the result does not depend on the thread that computes it, nor on other transforms.
    ///
    /// # Errors
    /// If the picture can't be changed. Wrap your own errors with [`TransformError::other`].
    fn apply(&self, picture: Picture, rng: &mut Rng) -> Result<Picture, TransformError>;

    /// The width and the height that all results have, whatever the picture. Defaults to `None`: they depend on the picture.
    fn size(&self) -> Option<(u32, u32)> {
        None
    }

    /// Whether the result depends on `rng`. Defaults to true, which is always right. What does not depend on it is computed once if the
    /// pictures are kept in memory.
    fn random(&self) -> bool {
        true
    }

    /// The form in which a bundle holds the transform. Defaults to `None`: a program that loads the bundle has to repeat it.
    fn recipe(&self) -> Option<Recipe> {
        None
    }

    /// Checks the settings, when the data is built. Defaults to accepting them.
    ///
    /// # Errors
    /// [`TransformError::Setting`] for a setting that is out of range.
    fn check(&self) -> Result<(), TransformError> {
        Ok(())
    }
}
