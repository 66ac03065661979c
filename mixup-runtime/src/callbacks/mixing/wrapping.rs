//! The wrapper around the loss function: put on when training begins, taken off when it ends.

use super::MixUpLoss;
use crate::{batch::AnyOutput, loss::LossFunc};

/// Holds the original loss function as long as its wrapper is in its place.
#[derive(Debug, Default)]
pub(super) struct Wrapping {
    original: Option<LossFunc>,
}

impl Wrapping {
    /// Puts [`MixUpLoss`] around the loss function.
    pub(super) fn begin(&mut self, loss_func: &mut LossFunc) {
        self.original = Some(loss_func.clone());
        *loss_func = wrapped(loss_func);
    }

    /// Wraps a loss function by which another callback has replaced the wrapper, unless it takes mixed targets itself.
    pub(super) fn keep(&self, loss_func: &mut LossFunc) {
        if self.original.is_some() && !loss_func.takes_mixed() {
            *loss_func = wrapped(loss_func);
        }
    }

    /// Restores the loss function if it was wrapped.
    pub(super) fn end(&mut self, loss_func: &mut LossFunc) {
        if let Some(original) = self.original.take() {
            *loss_func = original;
        }
    }
}

fn wrapped(loss_func: &LossFunc) -> LossFunc {
    LossFunc::new::<AnyOutput>(MixUpLoss::new(loss_func.clone()))
}
