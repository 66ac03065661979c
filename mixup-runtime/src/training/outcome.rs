//! How a training may end.

use super::Hook;

/// How a training ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All epochs were trained.
    Finished,
    /// A callback stopped it.
    Stopped {
        /// The callback's name.
        by: String,
        /// The hook that returned [`StopTraining`](crate::callback::StopTraining).
        hook: Hook,
        /// The reason given.
        why: String,
    },
    /// An error ended it: of a hook, the model, the loss function, the data.
    Failed {
        /// The error's message.
        error: String,
    },
    /// A panic ended it; it goes on when all callbacks have had their `on_train_end`.
    Panicked {
        /// The panic's message, where it is text.
        message: String,
    },
    /// Ctrl-C ended it, or an [`Interrupt`](crate::learner::Interrupt).
    Interrupted,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Stopped { by, hook, why } => write!(f, "stopped by `{by}` in `{hook}`: {why}"),
            Self::Failed { error } => write!(f, "failed: {error}"),
            Self::Panicked { message } => write!(f, "panicked: {message}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}
