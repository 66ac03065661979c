//! Parts of pictures: the middle, or a random part.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{AnyTransform, Picture, Recipe, Transform, TransformError, resample::resample, resize::middle};
use crate::rng::Rng;

/// Cuts out the middle of a picture without resizing it, as torchvision's `CenterCrop`: a picture that is smaller gets a black border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CenterCrop {
    width: u32,
    height: u32,
}

impl CenterCrop {
    /// Cuts out a square of this many pixels each way.
    #[must_use]
    pub fn new(size: u32) -> Self {
        Self { width: size, height: size }
    }
}

impl Transform for CenterCrop {
    fn apply(&self, picture: Picture, _: &mut Rng) -> Result<Picture, TransformError> {
        Ok(middle(&picture, self.width, self.height).unwrap_or(picture))
    }

    fn size(&self) -> Option<(u32, u32)> {
        Some((self.width, self.height))
    }

    fn random(&self) -> bool {
        false
    }

    fn recipe(&self) -> Option<Recipe> {
        Some(Recipe::CenterCrop(*self))
    }

    fn check(&self) -> Result<(), TransformError> {
        TransformError::check_size("CenterCrop", (self.width, self.height))
    }
}

/// Cuts out a random part of a picture, of a random size and shape, and resizes it to a square (Szegedy et al., arXiv:1409.4842, section 6), as
/// torchvision does: the part has from 8 to 100 % of the area, and from 3:4 to 4:3 as its width to its height.
///
/// ```
/// use mixup::{Rng, transforms::{Picture, RandomResizedCrop}};
/// use rand::SeedableRng as _;
///
/// let photo = Picture::new(40, 30, 3, vec![200; 3600])?;
/// let part = RandomResizedCrop::scaled(16, 0.5, 1.0).apply(photo, &mut Rng::seed_from_u64(0))?;
/// assert_eq!((part.width(), part.height()), (16, 16));
/// # Ok::<(), mixup::transforms::TransformError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomResizedCrop {
    size: u32,
    scale: (f64, f64),
}

/// The least and the largest ratio of the width to the height of a part.
const RATIO: (f64, f64) = (3.0 / 4.0, 4.0 / 3.0);

impl RandomResizedCrop {
    /// Resizes the parts to a square of this many pixels each way.
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "a list holds transforms of several types")]
    pub fn new(size: u32) -> AnyTransform {
        Self::scaled(size, 0.08, 1.0)
    }

    /// The same for parts that have between `least` and `largest` of the area.
    #[must_use]
    pub fn scaled(size: u32, least: f64, largest: f64) -> AnyTransform {
        Self { size, scale: (least, largest) }.into()
    }

    /// Draws left, top, width and height of a part, as torchvision's `RandomResizedCrop.get_params`: ten tries, then the largest part in the
    /// middle whose shape is allowed.
    fn part(&self, picture: &Picture, rng: &mut Rng) -> (i64, i64, u32, u32) {
        let [w, h] = [picture.width(), picture.height()].map(f64::from);
        for _ in 0..10 {
            let area = w * h * rng.random_range(self.scale.0..=self.scale.1);
            let ratio = rng.random_range(RATIO.0.ln()..=RATIO.1.ln()).exp();
            let [width, height] = [area * ratio, area / ratio].map(|square| square.sqrt().round_ties_even());
            if (1.0..=w).contains(&width) && (1.0..=h).contains(&height) {
                let (width, height) = (width as u32, height as u32);
                let top = rng.random_range(0..=picture.height() - height);
                let left = rng.random_range(0..=picture.width() - width);
                return (left.into(), top.into(), width, height);
            }
        }
        let (width, height) = match w / h {
            narrow if narrow < RATIO.0 => (w, (w / RATIO.0).round_ties_even().clamp(1.0, h)),
            wide if wide > RATIO.1 => ((h * RATIO.1).round_ties_even().clamp(1.0, w), h),
            _ => (w, h),
        };
        (((w - width) / 2.0) as i64, ((h - height) / 2.0) as i64, width as u32, height as u32)
    }
}

impl Transform for RandomResizedCrop {
    fn apply(&self, picture: Picture, rng: &mut Rng) -> Result<Picture, TransformError> {
        let (left, top, width, height) = self.part(&picture, rng);
        let part = if (width, height) == (picture.width(), picture.height()) {
            picture
        } else {
            picture.cut(left, top, width, height)
        };
        resample(part, self.size, self.size)
    }

    fn size(&self) -> Option<(u32, u32)> {
        Some((self.size, self.size))
    }

    fn check(&self) -> Result<(), TransformError> {
        const NAME: &str = "RandomResizedCrop";
        let (least, largest) = self.scale;
        TransformError::check_size(NAME, (self.size, self.size))?;
        let (holds, found) = (0.0 < least && least <= largest && largest <= 1.0, format_args!("{least} to {largest}"));
        TransformError::unless(holds, NAME, "scale", found, "two shares of the area, above 0 and at most 1")
    }
}
