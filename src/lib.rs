#![doc = include_str!("../README.md")]

pub use mixup_macros::callback;
pub use mixup_runtime::*;
