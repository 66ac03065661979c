//! Callbacks for training neural networks with `tch`, checked by the compiler; and MixUp.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub use mixup_macros::callback;
pub use mixup_runtime::*;
