//! A value that a callback watches at the end of each epoch: whether it is better than before.

use std::fmt;

use crate::training::{Monitored, ReadError, Value, Values};

/// What is watched, and when it counts as better.
#[derive(Clone)]
pub(super) struct Watched {
    pub name: String,
    less: Option<bool>,
    min_delta: f64,
}

/// `accuracy`, or `accuracy by 0.01` with the least that counts.
impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, min_delta, .. } = self;
        if *min_delta == 0.0 { f.write_str(name) } else { write!(f, "{name} by {min_delta}") }
    }
}

impl Watched {
    #[expect(clippy::needless_pass_by_value, reason = "a metric is given as `accuracy`, a name as text")]
    pub fn new<By>(value: impl Monitored<By>) -> Self {
        Self { name: value.monitored(), less: None, min_delta: 0.0 }
    }

    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    pub fn less_is_better(self, less: bool) -> Self {
        Self { less: Some(less), ..self }
    }

    /// Checks before the training what is known by then: whether less of a metric is better.
    pub fn check(&self, values: &Values) -> Result<(), WatchError> {
        let publishes = values.published().any(|value| value.name() == self.name);
        match values.get(&self.name) {
            Some(value) if !publishes => self.less(value).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn less(&self, value: &Value) -> Result<bool, WatchError> {
        self.less.or(value.less_is_better()).ok_or_else(|| WatchError::Direction { name: self.name.clone() })
    }

    /// Whether the value is better than the best one before it, which it then replaces. `None` if it has no number yet.
    pub fn improves(&self, value: &Value, best: &mut Option<f64>) -> Result<Option<bool>, WatchError> {
        let Some(now) = value.mean()? else {
            tracing::warn!("`{}` has no number at the end of the epoch", self.name);
            return Ok(None);
        };
        let sign = if self.less(value)? { -1.0 } else { 1.0 };
        let improves = !now.is_nan() && best.is_none_or(|best| sign * (now - best) > self.min_delta);
        if improves {
            *best = Some(now);
        }
        Ok(Some(improves))
    }
}

/// Why a value can't be watched.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// Nobody knows whether less of it is better.
    #[error("whether less of `{name}` is better is not known: say it with `.less_is_better(…)`")]
    Direction {
        /// The value.
        name: String,
    },
    /// It can't be read from the device.
    #[error(transparent)]
    Read(#[from] ReadError),
}

crate::error::debug_with_sources!(WatchError);

/// The options of a callback that watches a value.
macro_rules! watching {
    ($callback:ident) => {
        impl $callback {
            /// How much better a number must be than the best one to count. Defaults to 0.
            #[must_use]
            pub fn min_delta(mut self, min_delta: f64) -> Self {
                self.watched = self.watched.min_delta(min_delta);
                self
            }

            /// Whether less is better. It is known of losses and of the metrics here, and of a published value that says it.
            #[must_use]
            pub fn less_is_better(mut self, less: bool) -> Self {
                self.watched = self.watched.less_is_better(less);
                self
            }

            /// The best number so far.
            #[must_use]
            pub fn best(&self) -> Option<f64> {
                self.best
            }
        }
    };
}

pub(super) use watching;
