//! The wrapper around the loss function: put on when training begins, taken off when it ends.

use super::MixUpLoss;
use crate::loss::LossFunc;

/// Holds the original loss function as long as its wrapper is in its place.
#[derive(Debug, Default)]
pub(super) struct Wrapping {
    original: Option<LossFunc>,
}

impl Wrapping {
    /// Puts [`MixUpLoss`] around the loss function.
    pub(super) fn begin(&mut self, loss_func: &mut LossFunc) {
        let wrapped = LossFunc::new(MixUpLoss::new(loss_func.clone()));
        self.original = Some(std::mem::replace(loss_func, wrapped));
    }

    /// Restores the loss function if it was wrapped.
    pub(super) fn end(&mut self, loss_func: &mut LossFunc) {
        if let Some(original) = self.original.take() {
            *loss_func = original;
        }
    }
}
