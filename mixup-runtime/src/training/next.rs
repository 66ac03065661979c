//! The place at which a training goes on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What comes next in a training: where a checkpoint is written, and where a training goes on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Next {
    pub phase: Phase,
    /// The epoch that comes next or is in progress.
    pub epoch: usize,
    /// The next batch of the training pass.
    pub batch: usize,
    /// The next batch of the validation, in a validation.
    pub valid_batch: usize,
}

/// The parts of a training that consist of several steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Between two epochs.
    Epochs,
    /// In the pass over the training data.
    Training,
    /// In a validation between two training batches.
    MidEpoch,
    /// In the validation at the end of an epoch.
    EpochEnd,
}

impl Phase {
    /// Whether the model is being trained.
    pub(crate) fn trains(self) -> bool {
        matches!(self, Self::Epochs | Self::Training)
    }
}

/// Shows the place as messages do, after "cut": `in epoch 1, before training batch 2`.
impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, epoch, batch, valid_batch } = self;
        match phase {
            Phase::Epochs => write!(f, "before epoch {epoch}"),
            Phase::Training => write!(f, "in epoch {epoch}, before training batch {batch}"),
            Phase::MidEpoch => {
                let after = batch.saturating_sub(1);
                write!(f, "in epoch {epoch}, before validation batch {valid_batch} after training batch {after}")
            }
            Phase::EpochEnd => write!(f, "in epoch {epoch}, before validation batch {valid_batch}"),
        }
    }
}
