//! MixUp or CutMix, at random for each batch.
//!
//! Source: timm's `Mixup` (`timm/data/mixup.py`, `switch_prob`); torchvision does it with `v2.RandomChoice([mixup, cutmix])`.

use mixup_macros::callback;

use super::{CutMix, MixUp, MixUpError, pairing::chance, pairing::probability, wrapping::Wrapping};
use crate::{
    batch::{Input, Target},
    loss::LossFunc,
    rng::Rng,
};

/// Mixes each training batch by [`MixUp`] or by [`CutMix`], chosen at random; validation is left as it is.
///
/// The generator draws a number from 0 to 1 for the choice, and then what the chosen one draws. Both keep their own options: with
/// `prob(0.5)` in both, half of the batches are mixed.
///
/// ```
/// use mixup::{callbacks::mixing::{CutMix, MixUpOrCutMix}, prelude::*};
///
/// let data = ImageData::digits()?.build()?;
/// let mixing = MixUpOrCutMix::new(MixUp::new(0.8)?, CutMix::default()).switch_prob(0.25)?; // CutMix in a quarter of them
/// let mut learn =
///     Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).callback(mixing).quiet().build()?;
/// learn.fit(1, 1e-3)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MixUpOrCutMix {
    mixup: MixUp,
    cutmix: CutMix,
    switch_prob: f64,
    wrapping: Wrapping,
}

impl MixUpOrCutMix {
    /// One of these two, with equal probabilities.
    #[must_use]
    pub fn new(mixup: MixUp, cutmix: CutMix) -> Self {
        Self { mixup, cutmix, switch_prob: 0.5, wrapping: Wrapping::default() }
    }

    /// The probability of CutMix, named as in timm. Defaults to 0.5.
    ///
    /// # Errors
    /// [`MixUpError::Probability`] for anything but 0 to 1.
    pub fn switch_prob(mut self, switch_prob: f64) -> Result<Self, MixUpError> {
        self.switch_prob = probability("switch_prob", switch_prob)?;
        Ok(self)
    }
}

/// Both with their defaults and equal probabilities.
impl Default for MixUpOrCutMix {
    fn default() -> Self {
        Self::new(MixUp::default(), CutMix::default())
    }
}

#[callback(crate = crate, stateless)]
impl MixUpOrCutMix {
    fn on_train_begin(&mut self, loss_func: &mut LossFunc) {
        if self.mixup.stack_y || self.cutmix.stack_y {
            self.wrapping.begin(loss_func);
        }
    }

    #[on(train)]
    fn on_batch_begin(
        &mut self,
        last_input: &mut Input,
        last_target: &mut Target,
        epoch: usize,
        rng: &mut Rng,
    ) -> Result<(), MixUpError> {
        if chance(self.switch_prob, rng) {
            self.cutmix.draw_and_mix(last_input, last_target, epoch, rng)
        } else {
            self.mixup.draw_and_mix(last_input, last_target, epoch, rng)
        }
    }

    #[on(loss_begin, train)]
    fn wrap_replacement(&self, loss_func: &mut LossFunc) {
        self.wrapping.keep(loss_func);
    }

    fn on_train_end(&mut self, loss_func: &mut LossFunc) {
        self.mixup.clear();
        self.cutmix.clear();
        self.wrapping.end(loss_func);
    }
}
