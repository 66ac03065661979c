//! The ways in which a training can end.

use super::Hook;

/// How a training ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The training ran all its epochs.
    Finished,
    /// A callback stopped the training.
    Stopped {
        /// The callback's name.
        by: String,
        /// The hook that returned [`StopTraining`](crate::callback::StopTraining).
        hook: Hook,
        /// The reason that the callback gave.
        why: String,
    },
    /// An error ended the training: of a hook, the model, the loss function or the data.
    Failed {
        /// The error's message.
        error: String,
    },
    /// A panic ended the training; it continues after all callbacks have had their `on_train_end`.
    Panicked {
        /// The panic's message, if it is text.
        message: String,
    },
    /// Ctrl-C, SIGTERM or an [`Interrupt`](crate::training::Interrupt) ended the training.
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
