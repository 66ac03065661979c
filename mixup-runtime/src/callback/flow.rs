//! What a hook may answer.

use std::borrow::Cow;

use crate::error::BoxError;

/// What a hook returns, as the learner understands it.
pub type HookResult = Result<Flow, BoxError>;

/// What happens after a hook. Where several callbacks answer, the one that skips the most wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Do not zero the gradients after this step: the next batch adds to them.
    KeepGradients,
    /// Leave the parameters as they are: no optimizer step for this batch.
    SkipStep,
    /// No backward pass and no step for this batch.
    SkipBackward,
    /// Leave this batch out.
    SkipBatch,
    /// No validation in this epoch.
    SkipValidation,
    /// Leave out the rest of this epoch's pass over the data.
    SkipEpoch,
    /// End the training here.
    StopTraining(StopTraining),
}

impl Flow {
    /// Whether this skips more. The first to stop the training has stopped it.
    pub(crate) fn is_above(&self, other: &Self) -> bool {
        self > other && !matches!(other, Self::StopTraining(_))
    }

    /// What two methods of one hook come to.
    #[doc(hidden)]
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if other.is_above(&self) { other } else { self }
    }
}

/// Ends the training at once: what is left of the epoch is not trained, and `on_train_end` follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StopTraining {
    why: Cow<'static, str>,
}

impl StopTraining {
    /// Stop, and say why: the reason stands in [`Outcome::Stopped`](crate::training::Outcome::Stopped).
    #[must_use]
    pub fn because(why: impl Into<Cow<'static, str>>) -> Self {
        Self { why: why.into() }
    }

    /// The reason.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl From<StopTraining> for Flow {
    fn from(stop: StopTraining) -> Self {
        Self::StopTraining(stop)
    }
}

/// Flow values without a content, each a type of its own so that a hook can only return what it may.
macro_rules! skips {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl From<$name> for Flow {
            fn from(_: $name) -> Self {
                Self::$name
            }
        }
    )*};
}

skips! {
    /// From `on_step_end`: do not zero the gradients; the next batch adds to them (gradient accumulation).
    KeepGradients
    /// From `on_backward_end`: no optimizer step for this batch; its gradients are zeroed.
    SkipStep
    /// From `on_backward_begin`: no backward pass and no step for this batch.
    SkipBackward
    /// From `on_batch_begin`: leave this batch out; `on_batch_end` is not called for it.
    SkipBatch
    /// From `on_validate_begin`: no validation in this epoch.
    SkipValidation
    /// From `on_epoch_begin`: no batch of this epoch, and no validation. From a batch hook: none of the batches that are
    /// left in this pass, training or validation; the epoch then goes on behind it.
    SkipEpoch
}
