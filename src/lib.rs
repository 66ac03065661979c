#![doc = include_str!("../README.md")]

pub use mixup_macros::{callback, hook, on};
pub use mixup_runtime::*;
