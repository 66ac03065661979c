//! What a hook returns: requests to the loop, united into a set.

use std::borrow::Cow;

use crate::error::BoxError;

/// What a hook returns, as the learner understands it.
pub type HookResult = Result<Requests, BoxError>;

/// What a hook asks of the loop: a set of requests, empty where it asks for nothing.
///
/// A hook returns requests as they are (`SkipBatch`, `Option<StopTraining>`, a tuple of several); who implements
/// [`Callback`](super::Callback) by hand puts them together here.
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
    /// Nothing: go on.
    #[must_use]
    pub const fn none() -> Self {
        Self { stop: None, asked: 0 }
    }

    /// What a hook returns that a callback does not have.
    #[doc(hidden)]
    #[must_use]
    pub const fn unserved() -> Self {
        Self { stop: None, asked: UNSERVED }
    }

    pub(crate) fn is_unserved(&self) -> bool {
        self.asked == UNSERVED
    }

    /// Both sets. Where both ask to stop, the reason is the first one's.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { stop: self.stop.or(other.stop), asked: self.asked | other.asked }
    }

    /// Whether this is among them: `requests.has(SkipBatch)`.
    #[must_use]
    pub fn has(&self, request: impl Into<Self>) -> bool {
        let request = request.into();
        self.asked & request.asked == request.asked && (request.stop.is_none() || self.stop == request.stop)
    }

    /// The wish to stop.
    #[must_use]
    pub fn stop(&self) -> Option<&StopTraining> {
        self.stop.as_ref()
    }
}

/// Ends the training at once: what is left of the epoch is not trained, and `on_train_end` follows.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl From<StopTraining> for Requests {
    fn from(stop: StopTraining) -> Self {
        Self { stop: Some(stop), ..Self::none() }
    }
}

/// Requests without a content, each a type of its own so that a hook can only return what it may.
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
    /// From `on_step_end`: keep the gradients; the next batch adds to them (gradient accumulation).
    KeepGradients = 0
    /// From `on_backward_end`: no optimizer step for this batch; its gradients are zeroed.
    SkipStep = 1
    /// From `on_backward_begin`: no backward pass and no step for this batch.
    SkipBackward = 2
    /// From `on_batch_begin`: leave this batch out; `on_batch_end` is not called for it.
    SkipBatch = 3
    /// From `on_validate_begin`: no validation now.
    SkipValidation = 4
    /// From `on_epoch_begin`: no batch of this epoch, and no validation. From a batch hook: none of the batches that are left in this pass,
    /// training or validation; the epoch then goes on after it.
    SkipEpoch = 5
    /// From `on_batch_end` of a training batch: a validation now; after it the training goes on.
    Validate = 6
}
