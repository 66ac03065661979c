//! A loss in parts: the total, and beside it each part under a name, which the learner publishes.

use tch::Tensor;

/// A loss with its parts; returned by [`Loss::loss_in_parts`](super::Loss::loss_in_parts).
#[derive(Debug)]
pub struct LossParts {
    /// The loss, reduced as was asked.
    pub total: Tensor,
    /// The parts, in the order of [`Loss::parts`](super::Loss::parts), without their weights and reduced as was asked.
    pub parts: Vec<Tensor>,
}

impl LossParts {
    /// A loss without parts.
    #[must_use]
    pub fn whole(total: Tensor) -> Self {
        Self { total, parts: Vec::new() }
    }
}
