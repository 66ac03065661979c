//! A batch: its input, the model's output, its target, and which of its tensors may be changed in place. Also numbers that are read late.

pub(crate) mod in_place;
mod input;
mod output;
mod scalars;
mod several;
mod target;

pub use in_place::{MakeMutError, make_mut, with_fresh};
pub(crate) use input::items;
pub use input::{Input, InputError};
/// Implements the trait of the same name for a struct.
pub use mixup_macros::Output;
#[doc(hidden)]
pub use output::Mapped;
pub use output::{AnyOutput, EachTensor, Output, OutputError, OutputType};
pub(crate) use output::{join, shallow_clone, tensors};
pub use scalars::Scalars;
pub(crate) use scalars::read;
#[cfg(test)]
pub(crate) use scalars::reads;
pub use several::Several;
pub use target::{Target, TargetError};

/// The items of one step: their input and their target.
#[derive(Debug)]
pub struct Batch {
    /// The model's input, `[n, …]`.
    pub input: Input,
    /// The target of the model's output, for the same items.
    pub target: Target,
}
