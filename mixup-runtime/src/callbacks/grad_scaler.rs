//! Loss scaling, which half precision needs.

use mixup_macros::callback;
use tch::{TchError, Tensor};

use super::{Accumulate, GradientClip, Recorder};
use crate::{callback::SkipStep, model::Gradients};

/// Multiplies the loss before the backward pass and divides the gradients afterwards, so that small gradients do not become 0 in half precision, as
/// `torch.amp.GradScaler` does (Micikevicius et al., arXiv:1710.03740). It is for [`autocast`](crate::learner::LearnerBuilder::autocast).
///
/// A step with gradients that are not finite is left out, and the scale is halved; after 2,000 good steps it is doubled. The scale is a power of two, so
/// in single precision nothing changes, to the bit. Each step waits for the device, since it must know whether the gradients are finite.
///
/// From `on_backward_begin` to `on_backward_end` callbacks that run after it see the scaled loss; where one skips the backward pass, up to
/// `on_batch_end`.
#[derive(Debug)]
pub struct GradScaler {
    /// The binary logarithm of the first scale.
    first: i32,
    interval: usize,
    /// The binary logarithm of the scale.
    log_scale: i32,
    /// How many steps were good since the scale changed.
    good: usize,
    unscaled: Option<Tensor>,
}

impl Default for GradScaler {
    fn default() -> Self {
        Self { first: 16, interval: 2000, log_scale: 16, good: 0, unscaled: None }
    }
}

impl GradScaler {
    /// Sets the first scale to a power of two. Defaults to 16: the scale is 65,536.
    #[must_use]
    pub fn first_power(self, power: i32) -> Self {
        Self { first: power, log_scale: power, ..self }
    }

    /// Sets after how many good steps the scale is doubled. Defaults to 2,000.
    #[must_use]
    pub fn growth_interval(self, steps: usize) -> Self {
        Self { interval: steps.max(1), ..self }
    }

    /// The scale now.
    #[must_use]
    pub fn scale(&self) -> f64 {
        2.0_f64.powi(self.log_scale)
    }
}

#[callback(crate = crate, order = -15, before = Accumulate, after = Recorder, after = GradientClip,
    describe(first, interval), state(log_scale, good))]
impl GradScaler {
    fn on_train_begin(&mut self, resumed: bool) {
        if !resumed {
            (self.log_scale, self.good) = (self.first, 0);
        }
    }

    fn on_backward_begin(&mut self, last_loss: &mut Tensor) -> Result<(), TchError> {
        let scaled = last_loss.f_mul_scalar(self.scale())?;
        self.unscaled = Some(std::mem::replace(last_loss, scaled));
        Ok(())
    }

    fn on_backward_end(
        &mut self,
        gradients: &Gradients,
        last_loss: &mut Tensor,
        accumulate: Option<&Accumulate>,
    ) -> Result<Option<SkipStep>, TchError> {
        self.bring_back(last_loss);
        if !accumulate.is_none_or(Accumulate::steps_now) {
            return Ok(None);
        }
        gradients.scale(1.0 / self.scale())?;
        if !gradients.norm()?.is_finite() {
            (self.log_scale, self.good) = (self.log_scale - 1, 0);
            return Ok(Some(SkipStep));
        }
        self.good += 1;
        if self.good >= self.interval {
            (self.log_scale, self.good) = (self.log_scale + 1, 0);
        }
        Ok(None)
    }

    /// Where a callback has skipped the backward pass.
    #[on(batch_end, train)]
    fn bring_back(&mut self, last_loss: &mut Tensor) {
        if let Some(loss) = self.unscaled.take() {
            *last_loss = loss;
        }
    }
}
