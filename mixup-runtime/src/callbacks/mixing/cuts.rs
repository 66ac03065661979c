//! The boxes of CutMix: where they are, and how much of the image is left.
//!
//! Source: Yun, Han, Oh, Chun, Choe, Yoo, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
//! Features", arXiv:1905.04899, section 3.1, equation 2, and the authors' `rand_bbox` for the rounding and the border: sides
//! √(1−λ) of the image's, half of each rounded down on both sides of the centre, clipped at the border; λ is then computed
//! from the area that is actually left.

use std::fmt;

use rand::RngExt as _;

use super::{Draws, MixUpError, Mode, draws::permutation};
use crate::rng::Rng;

/// A box of an image, in pixels.
///
/// ```
/// use mixup::callbacks::mixing::CutBox;
///
/// // λ = ¾ of an image of 8×8: half its sides. Around the corner, only a quarter of the box lies in the image.
/// let inside = CutBox::new(0.75, [8, 8], [4, 4]);
/// assert_eq!(inside, CutBox { top: 2, left: 2, height: 4, width: 4 });
/// let corner = CutBox::new(0.75, [8, 8], [0, 0]);
/// assert_eq!(corner, CutBox { top: 0, left: 0, height: 2, width: 2 });
/// assert_eq!(corner.left_over([8, 8]), 1.0 - 4.0 / 64.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CutBox {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// How many rows.
    pub height: usize,
    /// How many columns.
    pub width: usize,
}

impl CutBox {
    /// The box for λ in images of `[h, w]` around `[row, column]`, clipped at the border. λ is clamped to 0 to 1.
    #[must_use]
    pub fn new(lambda: f64, size: [usize; 2], center: [usize; 2]) -> Self {
        let ratio = (1.0 - lambda.clamp(0.0, 1.0)).sqrt();
        let span = |axis: usize| {
            let half = (0.5 * ratio * size[axis] as f64) as usize;
            let end = center[axis].saturating_add(half).min(size[axis]);
            let begin = center[axis].saturating_sub(half).min(end);
            (begin, end - begin)
        };
        let ((top, height), (left, width)) = (span(0), span(1));
        Self { top, left, height, width }
    }

    /// The share of an image of `[h, w]` outside of the box: the λ of its label.
    #[must_use]
    pub fn left_over(self, size: [usize; 2]) -> f64 {
        let [area, whole] = [[self.height, self.width], size].map(|[height, width]| height as f64 * width as f64);
        1.0 - area / whole
    }

    fn lies_within(self, [height, width]: [usize; 2]) -> bool {
        let fits = |begin: usize, length: usize, end: usize| begin.checked_add(length).is_some_and(|last| last <= end);
        fits(self.top, self.height, height) && fits(self.left, self.width, width)
    }
}

/// `4×4 at row 2, column 2`.
impl fmt::Display for CutBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{} at row {}, column {}", self.height, self.width, self.top, self.left)
    }
}

/// What CutMix draws for a batch: boxes, and the images whose pixels fill them.
#[derive(Clone, Debug, PartialEq)]
pub struct Cuts {
    /// One for each image, or one for all.
    boxes: Vec<CutBox>,
    /// A permutation: the pixels in the box of image i come from image `partners[i]`.
    partners: Vec<usize>,
}

impl Cuts {
    /// The given boxes, one for each image or one for all, and a permutation.
    ///
    /// # Errors
    /// [`MixUpError::Boxes`] for any other number of boxes, [`MixUpError::Partner`] for partners that are not a permutation.
    pub fn new(boxes: Vec<CutBox>, partners: Vec<usize>) -> Result<Self, MixUpError> {
        if boxes.len() != 1 && boxes.len() != partners.len() {
            return Err(MixUpError::Boxes { boxes: boxes.len(), items: partners.len() });
        }
        permutation(&partners)?;
        Ok(Self { boxes, partners })
    }

    /// Boxes for the weights and partners drawn, each of size 1−λ in images of `[h, w]` with its centre anywhere in the image. In
    /// [`Mode::Batch`] there is one box, for the first weight. The generator draws each box's row and then its column.
    ///
    /// # Errors
    /// [`MixUpError::Images`] if h or w is 0.
    pub fn random(draws: &Draws, mode: Mode, size: [usize; 2], rng: &mut Rng) -> Result<Self, MixUpError> {
        if size.contains(&0) {
            return Err(MixUpError::Images { got: size.map(|length| length as i64).to_vec() });
        }
        let count = if mode == Mode::Batch { 1 } else { draws.len() };
        let lambdas = draws.weights().iter().take(count);
        let boxes = lambdas.map(|&lambda| CutBox::new(lambda, size, size.map(|length| rng.random_range(0..length))));
        Ok(Self { boxes: boxes.collect(), partners: draws.partners.clone() })
    }

    /// The boxes: one for each image, or one for all.
    #[must_use]
    pub fn boxes(&self) -> &[CutBox] {
        &self.boxes
    }

    /// Each image's partner.
    #[must_use]
    pub fn partners(&self) -> &[usize] {
        &self.partners
    }

    /// Each image with its box and its partner.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, CutBox, usize)> {
        let boxes = self.boxes.iter().cycle();
        self.partners.iter().zip(boxes).enumerate().map(|(image, (partner, cut))| (image, *cut, *partner))
    }

    /// The weights of the labels: how much is actually left of each image.
    ///
    /// # Errors
    /// [`MixUpError::Outside`] for a box that extends beyond the border.
    pub(super) fn draws(&self, size: [usize; 2]) -> Result<Draws, MixUpError> {
        let weight = |(item, cut, _): (usize, CutBox, usize)| {
            let [height, width] = size;
            if cut.lies_within(size) {
                Ok(cut.left_over(size))
            } else {
                Err(MixUpError::Outside { item, found: cut, height, width })
            }
        };
        let weights = self.each().map(weight).collect::<Result<_, _>>()?;
        Ok(Draws { weights, partners: self.partners.clone() })
    }
}
