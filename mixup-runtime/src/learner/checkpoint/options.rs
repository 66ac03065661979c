//! When checkpoints are written, where, and which are kept.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::training::Monitored;

/// When a learner writes checkpoints, where, and which of them it keeps: [`checkpoints`](crate::learner::LearnerBuilder::checkpoints).
///
/// A checkpoint is one file with all that a training is: parameters, optimizer, states, the place in the epoch. A program that is started again goes
/// on from it with [`resume`](crate::learner::Learner::resume), with the same bits.
///
/// ```
/// use std::time::Duration;
///
/// use mixup::prelude::*;
///
/// let often = Checkpoints::in_dir("runs/a").every_epochs(1).every(Duration::from_secs(600)).keep_last(3).keep_best(accuracy);
/// # let _ = often;
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    pub(super) folder: PathBuf,
    pub(super) epochs: Option<usize>,
    pub(super) batches: Option<usize>,
    pub(super) span: Option<Duration>,
    pub(super) last: usize,
    pub(super) best: Option<String>,
    pub(super) on_interrupt: bool,
    pub(super) must_succeed: bool,
}

impl Checkpoints {
    /// Writes checkpoints into this folder, which is created when a training begins. Without another choice, one is written after each epoch, and the
    /// last two are kept.
    ///
    /// Only one training at a time can write into a folder; another one, of this process or of another, gets an error.
    #[must_use]
    pub fn in_dir(folder: impl AsRef<Path>) -> Self {
        Self {
            folder: folder.as_ref().to_owned(),
            epochs: None,
            batches: None,
            span: None,
            last: 2,
            best: None,
            on_interrupt: true,
            must_succeed: true,
        }
    }

    /// Writes one after every `epochs` epochs, and after the last one. 0 is taken as 1.
    #[must_use]
    pub fn every_epochs(self, epochs: usize) -> Self {
        Self { epochs: Some(epochs.max(1)), ..self }
    }

    /// Writes one after every `batches` training batches, counted over the whole training. 0 is taken as 1.
    #[must_use]
    pub fn every_batches(self, batches: usize) -> Self {
        Self { batches: Some(batches.max(1)), ..self }
    }

    /// Writes one when so much time has passed since the last one, at the next batch of a training or of a validation.
    #[must_use]
    pub fn every(self, span: Duration) -> Self {
        Self { span: Some(span), ..self }
    }

    /// Keeps the last `files` checkpoints of this training. Older ones are removed once a newer one is on the disk; the newest one always stays. Those
    /// of other trainings are left alone.
    #[must_use]
    pub fn keep_last(self, files: usize) -> Self {
        Self { last: files.max(1), ..self }
    }

    /// Keeps the checkpoint of the epoch in which a value was best as well: a metric (`accuracy`), `"valid_loss"`, or a value that a callback
    /// publishes, by its name. One is written whenever it is better than before. Whether less is better is known of losses and of the metrics here; a
    /// callback says it with [`Value::set_less_is_better`](crate::training::Value::set_less_is_better).
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "a metric is given as `accuracy`, a name as text")]
    pub fn keep_best<By>(self, value: impl Monitored<By>) -> Self {
        Self { best: Some(value.monitored()), ..self }
    }

    /// Whether Ctrl-C, SIGTERM or an [`Interrupt`](crate::training::Interrupt) writes one before the training ends. Defaults to true.
    #[must_use]
    pub fn on_interrupt(self, write: bool) -> Self {
        Self { on_interrupt: write, ..self }
    }

    /// Goes on with the training if a checkpoint can't be written, as when the disk is full, and reports the error through `tracing`. Without it, the
    /// training ends with the error.
    #[must_use]
    pub fn or_go_on(self) -> Self {
        Self { must_succeed: false, ..self }
    }
}
