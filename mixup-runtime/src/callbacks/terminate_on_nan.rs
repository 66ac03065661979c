//! Stopping at a loss that is not a finite number.

use mixup_macros::callback;
use tch::{TchError, Tensor};

use crate::callback::StopTraining;

/// Ends the training at a loss that is NaN or infinite, before the backward pass: the weights are those of before.
#[derive(Debug)]
pub struct TerminateOnNan {
    every: usize,
}

/// Looks at the loss of each batch.
impl Default for TerminateOnNan {
    fn default() -> Self {
        Self { every: 1 }
    }
}

impl TerminateOnNan {
    /// Looks at the loss of one batch in `batches`. On a GPU each look waits for it.
    #[must_use]
    pub fn every(batches: usize) -> Self {
        Self { every: batches }
    }
}

#[callback(crate = crate, describe(every))]
impl TerminateOnNan {
    #[on(backward_begin, every = self.every)]
    fn look(last_loss: &Tensor) -> Result<Option<StopTraining>, TchError> {
        let loss = last_loss.f_double_value(&[])?;
        Ok((!loss.is_finite()).then(|| StopTraining::because(format!("the loss is {loss}"))))
    }
}
