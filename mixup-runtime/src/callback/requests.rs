//! What a hook returns: requests to the loop, combined into a set.

use std::borrow::Cow;

use crate::error::BoxError;

/// The result of a hook in the form that the learner uses.
pub type HookResult = Result<Requests, BoxError>;

/// The set of requests that a hook returns to the loop; empty if it asks for nothing.
///
/// Under `#[callback]` a hook returns requests directly (`SkipBatch`, `Option<StopTraining>`, a tuple of several). A hand-written
/// implementation of [`Callback`](super::Callback) combines them in this type.
///
/// ```
/// use mixup::{callback::Requests, prelude::*};
///
/// let requests = Requests::from(KeepGradients).and(StopTraining::because("enough").into());
/// assert!(requests.has(KeepGradients) && !requests.has(SkipStep));
/// assert_eq!(requests.stop().map(StopTraining::why), Some("enough"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    stop: Option<StopTraining>,
    asked: u8,
}

/// In `asked`: the callback does not serve the hook at all.
const UNSERVED: u8 = 1 << 7;

impl Requests {
    /// No requests: continue.
    #[must_use]
    pub const fn none() -> Self {
        Self { stop: None, asked: 0 }
    }

    /// The result of a hook that a callback does not have.
    #[doc(hidden)]
    #[must_use]
    pub const fn unserved() -> Self {
        Self { stop: None, asked: UNSERVED }
    }

    pub(crate) fn is_unserved(&self) -> bool {
        self.asked == UNSERVED
    }

    /// Combines two sets. If both ask to stop, the reason is that of the first.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { stop: self.stop.or(other.stop), asked: self.asked | other.asked }
    }

    /// Whether the set has a request: `requests.has(SkipBatch)`.
    #[must_use]
    pub fn has(&self, request: impl Into<Self>) -> bool {
        let request = request.into();
        self.asked & request.asked == request.asked && (request.stop.is_none() || self.stop == request.stop)
    }

    /// The request to stop, if there is one.
    #[must_use]
    pub fn stop(&self) -> Option<&StopTraining> {
        self.stop.as_ref()
    }
}

/// Ends the training at once: the rest of the epoch is not trained, and `on_train_end` follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopTraining {
    why: Cow<'static, str>,
}

impl StopTraining {
    /// Creates the request with a reason, which [`Outcome::Stopped`](crate::training::Outcome::Stopped) contains.
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

impl From<StopTraining> for Requests {
    fn from(stop: StopTraining) -> Self {
        Self { stop: Some(stop), ..Self::none() }
    }
}

/// Defines requests without content. Each has its own type, so that a hook can only return those that are allowed there.
macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident = $bit:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl From<$name> for Requests {
            fn from(_: $name) -> Self {
                Self { asked: 1 << $bit, ..Self::none() }
            }
        }
    )*};
}

requests! {
    /// From `on_step_end`: keep the gradients, so that the next batch adds to them (gradient accumulation).
    KeepGradients = 0
    /// From `on_backward_end`: take no optimizer step for this batch; its gradients are dropped.
    SkipStep = 1
    /// From `on_backward_begin`: run no backward pass and no step for this batch.
    SkipBackward = 2
    /// From `on_batch_begin`: leave this batch out; `on_batch_end` is not called for it.
    SkipBatch = 3
    /// From `on_validate_begin`: do not validate now.
    SkipValidation = 4
    /// From `on_epoch_begin`: run no batch of this epoch, and no validation. From a batch hook: run none of the remaining batches of this pass,
    /// training or validation; the epoch continues after the pass.
    SkipEpoch = 5
    /// From `on_batch_end` of a training batch: validate now, and then continue the training.
    Validate = 6
}
