//! Validations in the middle of an epoch.

use mixup_macros::callback;

use crate::callback::Validate;

/// Asks for a validation after every N training batches, counted over the whole training.
#[derive(Clone, Copy, Debug)]
pub struct ValidateEvery {
    batches: usize,
}

impl ValidateEvery {
    /// Validates after every `batches` training batches; 0 is an error of the first batch.
    #[must_use]
    pub fn batches(batches: usize) -> Self {
        Self { batches }
    }
}

#[callback(crate = crate, describe(batches))]
impl ValidateEvery {
    #[on(batch_end, train, every = self.batches)]
    fn ask() -> Validate {
        Validate
    }
}
