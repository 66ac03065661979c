//! Mixed precision around the model and the loss function.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tch::Device;

use crate::training::BuildError;

/// Calls a closure, in libtorch's mixed precision if that is on.
///
/// `tch` brings the precision back when the closure returns, so a panic is passed on only after that.
pub(super) fn within<T>(on: bool, call: impl FnOnce() -> T) -> T {
    if !on {
        return call();
    }
    tch::autocast(true, || catch_unwind(AssertUnwindSafe(call))).unwrap_or_else(|panic| resume_unwind(panic))
}

/// Refuses mixed precision where `tch` has none.
pub(super) fn check(on: bool, device: Device) -> Result<(), BuildError> {
    match device {
        Device::Cuda(_) => Ok(()),
        _ if !on => Ok(()),
        other => Err(BuildError::Autocast { device: format!("{other:?}") }),
    }
}
