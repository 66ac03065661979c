//! Random erasing: a random box of an image is overwritten.
//!
//! Source: Zhong et al., arXiv:1708.04896, algorithm 1, with the defaults and the ten tries of torchvision's `RandomErasing`.

use mixup_macros::callback;
use rand::RngExt as _;
use rand_distr::{Distribution as _, StandardNormal};
use tch::{TchError, Tensor};

use crate::{
    batch::{Input, MakeMutError},
    rng::Rng,
};

/// Overwrites a random box in half of the images of a training batch; validation is left as it is. The box has from 2 to 33 % of the image, and
/// is up to 3.3 times as long as wide.
///
/// Images are `[n, c, h, w]`. It runs before MixUp's family.
///
/// ```
/// use mixup::{callbacks::RandomErasing, prelude::*};
///
/// let data = ImageData::digits()?.build()?;
/// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10]))
///     .callback(RandomErasing::new().probability(0.25))
///     .quiet()
///     .build()?;
/// learn.fit(1, 1e-3)?;
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomErasing {
    probability: f64,
    scale: (f64, f64),
    noise: bool,
}

/// The least and the largest ratio of the height to the width of a box.
const RATIO: (f64, f64) = (0.3, 3.3);

/// Why images can't be erased.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ErasingError {
    /// A setting is out of range.
    #[error("`RandomErasing` has {setting} = {found}, but it must be {expected}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The input is no batch of images.
    #[error("random erasing needs images `[n, c, h, w]`, but the input is {found:?}")]
    NoImages {
        /// The shape of the input.
        found: Vec<i64>,
    },
    /// The input can't be changed.
    #[error(transparent)]
    Input(#[from] MakeMutError),
    /// Any error from libtorch.
    #[error(transparent)]
    Tch(#[from] TchError),
}

crate::error::debug_with_sources!(ErasingError);

impl RandomErasing {
    /// Erases a box in half of the images.
    #[must_use]
    pub fn new() -> Self {
        Self { probability: 0.5, scale: (0.02, 0.33), noise: false }
    }

    /// Sets the share of the images in which a box is erased. Defaults to 0.5.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self { probability, ..self }
    }

    /// Sets the least and the largest share of the image that a box has. Defaults to 0.02 and 0.33.
    #[must_use]
    pub fn scale(self, least: f64, largest: f64) -> Self {
        Self { scale: (least, largest), ..self }
    }

    /// Overwrites the boxes with normal noise, as for normalized images, and not with zeros.
    #[must_use]
    pub fn noise(self) -> Self {
        Self { noise: true, ..self }
    }

    fn check(&self) -> Result<(), ErasingError> {
        let (least, largest) = self.scale;
        if !(0.0..=1.0).contains(&self.probability) {
            let found = self.probability.to_string();
            return Err(ErasingError::Setting { setting: "probability", found, expected: "from 0 to 1" });
        }
        if !(0.0 < least && least <= largest && largest <= 1.0) {
            let found = format!("{least} to {largest}");
            let expected = "two shares of the image, above 0 and at most 1";
            return Err(ErasingError::Setting { setting: "scale", found, expected });
        }
        Ok(())
    }

    /// Draws top, left, height and width of a box; `None` if no try fits into the image, as in a line of pixels.
    fn draw(&self, (height, width): (i64, i64), rng: &mut Rng) -> Option<[i64; 4]> {
        (0..10).find_map(|_| {
            let area = (height * width) as f64 * rng.random_range(self.scale.0..=self.scale.1);
            let ratio = rng.random_range(RATIO.0.ln()..=RATIO.1.ln()).exp();
            let [h, w] = [area * ratio, area / ratio].map(|square| square.sqrt().round_ties_even() as i64);
            let fits = (1..height).contains(&h) && (1..width).contains(&w);
            fits.then(|| [rng.random_range(0..=height - h), rng.random_range(0..=width - w), h, w])
        })
    }

    fn erase(&self, images: &mut Tensor, rng: &mut Rng) -> Result<(), ErasingError> {
        let [n, c, height, width] = images.size()[..] else {
            return Err(ErasingError::NoImages { found: images.size() });
        };
        for item in 0..n {
            if rng.random::<f64>() >= self.probability {
                continue;
            }
            let Some([top, left, h, w]) = self.draw((height, width), rng) else { continue };
            let mut area = images.f_select(0, item)?.f_narrow(1, top, h)?.f_narrow(2, left, w)?;
            if self.noise {
                let noise: Vec<f32> = StandardNormal.sample_iter(&mut *rng).take((c * h * w) as usize).collect();
                area.f_copy_(&Tensor::f_from_slice(&noise)?.f_reshape([c, h, w])?)?;
            } else {
                let _ = area.f_zero_()?;
            }
        }
        Ok(())
    }
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self::new()
    }
}

#[callback(crate = crate, order = -10, describe(probability))]
impl RandomErasing {
    fn on_train_begin(&self) -> Result<(), ErasingError> {
        self.check()
    }

    #[on(train)]
    fn on_batch_begin(&self, last_input: &mut Input, rng: &mut Rng) -> Result<(), ErasingError> {
        self.erase(last_input.make_mut()?, rng)
    }
}
