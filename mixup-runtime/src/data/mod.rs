//! Batches of inputs and targets, and where they come from.

use crate::{input::Input, target::Target};

/// One step's worth of items: what goes in, and what should come out.
#[derive(Debug)]
pub struct Batch {
    /// What the model gets, `[n, …]`.
    pub input: Input,
    /// What it should answer, for as many items.
    pub target: Target,
}
