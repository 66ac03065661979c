//! `state`: what of a callback belongs to a checkpoint, in a form that any `serde` format can hold.

use std::collections::BTreeMap;

use ciborium::Value;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::BoxError;

/// One callback's state: whole numbers, floats (to the bit, NaN and infinities too), text, lists, maps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackState(Value);

/// The states of a learner's callbacks, by the callbacks' names.
///
/// Made by [`Learner::callback_states`](crate::learner::Learner::callback_states); `serde` writes them to a file in whatever
/// format. CBOR keeps every float to the bit; JSON has no NaN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackStates(pub BTreeMap<String, CallbackState>);

/// Why a state can't be written down or taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A type that `serde` can't turn into plain data.
    #[error("the state can't be written down: {0}")]
    Write(#[source] ciborium::value::Error),
    /// A state of another form.
    #[error("the saved state does not fit: {0}")]
    Read(#[source] ciborium::value::Error),
    /// A field that the saved state does not have.
    #[error("the saved state has no `{field}`: it is the state of another callback, or of an older one")]
    Field {
        /// The field.
        field: String,
    },
    /// A state for a callback that has none.
    #[error("the callback has no state: write `#[callback(state)]` on it, or leave the saved one out")]
    NoState,
    /// A state for a callback that the learner does not have.
    #[error("there is a saved state of `{name}`, and the learner has no callback of this name")]
    NoCallback {
        /// The callback's name.
        name: String,
    },
    /// A callback with a state, and none among the saved ones.
    #[error("the callback `{name}` has a state, and there is none among the saved ones")]
    Missing {
        /// The callback's name.
        name: String,
    },
    /// Two states under one key.
    #[error("two callbacks with a state are called `{name}`: give one of them another `name = \"…\"`")]
    Twice {
        /// Their name.
        name: String,
    },
    /// What a callback said of its own.
    #[error("the callback `{name}`: {source}")]
    Callback {
        /// The callback's name.
        name: String,
        /// What it said.
        source: BoxError,
    },
}

impl CallbackState {
    /// The state of something that `serde` knows.
    ///
    /// # Errors
    /// [`StateError::Write`].
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, StateError> {
        Value::serialized(value).map(Self).map_err(StateError::Write)
    }

    /// Reads it as a type.
    ///
    /// # Errors
    /// [`StateError::Read`] where it is not of that type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, StateError> {
        self.0.deserialized().map_err(StateError::Read)
    }

    /// Reads one field of it.
    ///
    /// # Errors
    /// [`StateError::Field`] where it is not there, [`StateError::Read`] where it is not of that type.
    pub fn field<T: DeserializeOwned>(&self, field: &str) -> Result<T, StateError> {
        let fields = self.0.as_map().into_iter().flatten();
        let value = fields.into_iter().find(|(name, _)| name.as_text() == Some(field)).map(|(_, value)| value);
        let value = value.ok_or_else(|| StateError::Field { field: field.to_owned() })?;
        value.deserialized().map_err(StateError::Read)
    }
}

/// What `#[callback]` returns from `save`.
#[doc(hidden)]
pub type Saved = Result<Option<CallbackState>, BoxError>;

/// What `#[callback]` returns from `load`.
#[doc(hidden)]
pub type Loaded = Result<(), BoxError>;

/// A callback that is its own state.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved as the state of a callback",
    label = "derive `serde::Serialize` and `serde::Deserialize` for `{Self}`, or name the fields that are its state, as in `state(best)`"
)]
pub trait Whole {
    fn save(&self) -> Saved;
    fn load(&mut self, state: &CallbackState) -> Loaded;
}

#[diagnostic::do_not_recommend]
impl<C: Serialize + DeserializeOwned> Whole for C {
    fn save(&self) -> Saved {
        Ok(Some(CallbackState::of(self)?))
    }

    fn load(&mut self, state: &CallbackState) -> Loaded {
        *self = state.read()?;
        Ok(())
    }
}

/// The state of some fields.
#[doc(hidden)]
pub fn fields<const N: usize>(fields: [(&str, Result<CallbackState, StateError>); N]) -> Saved {
    let fields = fields.into_iter().map(|(name, field)| Ok((Value::Text(name.to_owned()), field?.0)));
    Ok(Some(CallbackState(Value::Map(fields.collect::<Result<_, StateError>>()?))))
}
