//! What can be wrong with a state.

use tch::{Kind, TchError};

use crate::error::{BoxError, Refusal};

/// Why a state can't be saved or loaded.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A type that `serde` can't turn into plain data.
    #[error("the state can't be written down: {0}")]
    Write(#[source] ciborium::value::Error),
    /// Data of another form.
    #[error("the saved state does not fit: {0}")]
    Read(#[source] ciborium::value::Error),
    /// A field that the saved state does not have.
    #[error(
        "the saved state, of version {version}, has no `{field}`: it is the state of something else, or an older one"
    )]
    Field {
        /// The field.
        field: String,
        /// The version of the state.
        version: u32,
    },
    /// A tensor that the saved state does not have.
    #[error(
        "the saved state, of version {version}, has no tensor `{name}`: it is the state of something else, or an older one"
    )]
    Tensor {
        /// The tensor.
        name: String,
        /// The version of the state.
        version: u32,
    },
    /// A field was to be added to a state that is one value.
    #[error("a state that is one value can't have a field `{field}` beside it: begin with `State::new()`")]
    NoFields {
        /// The field.
        field: String,
    },
    /// A state of a version that is not known here.
    #[error(
        "the saved state is of version {found}, and versions up to {known} can be loaded here: a newer program has saved it"
    )]
    Newer {
        /// The version of the state.
        found: u32,
        /// The newest version that can be loaded.
        known: u32,
    },
    /// A state of something that the learner does not have.
    #[error("there is a saved state of `{name}`, and the learner has states of {}", listed(.has))]
    Unknown {
        /// Its name.
        name: String,
        /// What the learner has.
        has: Vec<String>,
    },
    /// Something that has a state, and none among the saved ones.
    #[error("the learner's `{name}` has a state, and there is none among the saved ones, which are of {}", listed(.saved))]
    Missing {
        /// Its name.
        name: String,
        /// What was saved.
        saved: Vec<String>,
    },
    /// A tensor of the model has another kind or shape than the saved one.
    #[error("`{name}` is {:?} {:?} in the saved state, and {:?} {:?} in the model", found.0, found.1, wanted.0, wanted.1)]
    Form {
        /// The tensor.
        name: String,
        /// Its kind and shape in the saved state.
        found: (Kind, Vec<i64>),
        /// Those of the model.
        wanted: (Kind, Vec<i64>),
    },
    /// The saved model has other tensors than this one.
    #[error(
        "it is the state of another model: only the saved one has {}, and only this one has {}",
        some(saved),
        some(model)
    )]
    OtherTensors {
        /// Those that only the saved model has.
        saved: Vec<String>,
        /// Those that only this one has.
        model: Vec<String>,
    },
    /// A callback had replaced the loss function or the sampler after `on_train_begin`, and has not done so again.
    #[error(
        "the {what} was `{saved}` when the training was saved, and is `{now}` after `on_train_begin`: a callback that replaces it later must \
         replace it in `on_train_begin` when `resumed` is true"
    )]
    Replaced {
        /// The loss function or the sampler.
        what: &'static str,
        /// The saved one.
        saved: String,
        /// The present one.
        now: String,
    },
    /// Processes that train together draw the order of an epoch again, and its sampler has moved on since it was drawn.
    #[error(
        "the sampler `{sampler}` has a state, and several processes can go on with it only between two epochs: write checkpoints with \
         `every_epochs`, or use a sampler without a state"
    )]
    SharedSampler {
        /// The sampler.
        sampler: String,
    },
    /// Several processes can't go on with the stream of the first one.
    #[error(
        "the data is a stream of {stream}, and its state in a checkpoint is that of the first of several processes: if all have \
         the same, such as how many batches were read, return true from `Stream::is_common`"
    )]
    SharedStream {
        /// What it has.
        stream: String,
    },
    /// Two states under one name.
    #[error("two states are called `{name}`: give one of them another name")]
    Twice {
        /// Their name.
        name: String,
    },
    /// An error with the state of one of several.
    #[error("the state of `{name}`: {source}")]
    Of {
        /// Its name.
        name: String,
        /// What is wrong.
        source: Box<StateError>,
    },
    /// libtorch refused.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
    /// An error of your own; see [`StateError::other`].
    #[error("{0}")]
    Other(#[source] BoxError),
}

crate::error::debug_with_sources!(StateError);

impl StateError {
    /// An error of your own [`Stateful`](super::Stateful).
    ///
    /// ```
    /// use mixup::state::StateError;
    ///
    /// assert_eq!(StateError::other("the history has gaps").to_string(), "the history has gaps");
    /// ```
    pub fn other(error: impl Into<BoxError>) -> Self {
        Self::Other(error.into())
    }
}

/// What libtorch rejected in a function that panics, in your own [`Stateful`](super::Stateful).
impl From<Refusal> for StateError {
    fn from(refusal: Refusal) -> Self {
        Self::Torch(refusal.into())
    }
}

/// Some of the names, or that there are none.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        0 => "none".to_owned(),
        1..=SHOWN => listed(names),
        all => format!("{} and {} more", listed(names.get(..SHOWN).unwrap_or(names)), all - SHOWN),
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
