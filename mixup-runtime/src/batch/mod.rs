//! A batch: what goes into the model, what should come out, which of its tensors may be changed in place; and numbers that
//! are read late.

mod fresh;
mod input;
mod scalars;
mod several;
mod target;

pub use fresh::Fresh;
pub(crate) use input::items;
pub use input::{Input, InputError};
pub use scalars::Scalars;
pub(crate) use scalars::read;
#[cfg(test)]
pub(crate) use scalars::reads;
pub use several::Several;
pub use target::{Target, TargetError};

/// One step's worth of items: what goes in, and what should come out.
#[derive(Debug)]
pub struct Batch {
    /// What the model gets, `[n, …]`.
    pub input: Input,
    /// What it should answer, for as many items.
    pub target: Target,
}
