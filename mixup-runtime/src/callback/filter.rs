//! `every = N`: the functions that the expansion of `#[callback]` calls to decide whether a method runs.

use crate::error::BoxError;

/// A number of batches or epochs.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`every` must be a `usize`, not a `{Self}`",
    label = "write a number of batches or epochs, as in `every = 50`"
)]
pub trait Period {
    fn period(self) -> usize;
}

impl Period for usize {
    fn period(self) -> usize {
        self
    }
}

/// Whether the `count`-th, counted from 0, begins a group of `period`.
#[doc(hidden)]
pub fn before_every(period: impl Period, count: usize) -> Result<bool, BoxError> {
    match period.period() {
        0 => Err("`every` is 0: it must be at least 1".into()),
        period => Ok(count.is_multiple_of(period)),
    }
}

/// Whether the `count`-th, counted from 0, ends a group of `period`.
#[doc(hidden)]
pub fn after_every(period: impl Period, count: usize) -> Result<bool, BoxError> {
    before_every(period, count.wrapping_add(1))
}
