//! Mirrors pictures.

use super::{AnyTransform, Picture, Transform, TransformError};
use crate::rng::Rng;

/// Mirrors pictures at random: left and right, or top and bottom. [`AnyTransform::probability`] sets how many; it defaults to half of them.
///
/// ```
/// use mixup::{Rng, transforms::{Picture, RandomFlip}};
/// use rand::SeedableRng as _;
///
/// let picture = Picture::new(2, 1, 1, vec![10, 20])?;
/// let flipped = RandomFlip::horizontal().probability(1.0).apply(picture, &mut Rng::seed_from_u64(0))?;
/// assert_eq!(flipped.pixels(), [20, 10]);
/// # Ok::<(), mixup::transforms::TransformError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomFlip {
    horizontal: bool,
}

impl RandomFlip {
    /// Exchanges left and right, in half of the pictures.
    #[must_use]
    pub fn horizontal() -> AnyTransform {
        AnyTransform::from(Self { horizontal: true }).probability(0.5)
    }

    /// Exchanges top and bottom, in half of the pictures.
    #[must_use]
    pub fn vertical() -> AnyTransform {
        AnyTransform::from(Self { horizontal: false }).probability(0.5)
    }
}

impl Transform for RandomFlip {
    fn apply(&self, mut picture: Picture, _: &mut Rng) -> Result<Picture, TransformError> {
        let (c, row) = (picture.channels(), picture.width() as usize * picture.channels());
        let pixels = picture.pixels_mut();
        if self.horizontal {
            for row in pixels.chunks_exact_mut(row) {
                if c == 3 { row.as_chunks_mut::<3>().0.reverse() } else { row.reverse() }
            }
        } else {
            let half = pixels.len() / row / 2 * row;
            let (upper, lower) = pixels.split_at_mut(half);
            let lower = lower.chunks_exact_mut(row).rev();
            upper.chunks_exact_mut(row).zip(lower).for_each(|(upper, lower)| upper.swap_with_slice(lower));
        }
        Ok(picture)
    }

    fn random(&self) -> bool {
        false
    }
}
