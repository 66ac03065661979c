//! What the expansion of `#[callback(state(…))]` saves and loads fields with. How a field is saved follows from its type: by [`Stateful`], as
//! a tensor is, or else by `serde`.

use serde::{Serialize, de::DeserializeOwned};

use super::{State, StateError, Stateful};

/// A field. The expansion calls [`Field`] through three references, and the compiler takes off as many of them as it must: the first of
/// `&&Of`, `&Of` and `Of` for which the field's type is right.
#[derive(Debug)]
pub struct Of<'a, T>(pub &'a T);

/// How a field is saved, and read before any field changes.
pub trait Field {
    /// What is read.
    type Read;
    /// Adds the field to a state.
    fn save(&self, field: &str, state: State) -> Result<State, StateError>;
    /// Reads the field.
    fn read(&self, field: &str, state: &State) -> Result<Self::Read, StateError>;
}

/// What was read of a field, and can be put into it.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be saved as part of the state of a callback",
    label = "derive `serde::Serialize` and `serde::Deserialize` for `{T}`, or implement `Stateful`"
)]
pub trait Fits<T> {
    /// Puts it there.
    fn put(self, field: &mut T) -> Result<(), StateError>;
}

/// Puts what was read into the field. The compiler takes the field's type from the first argument, for its message.
pub fn put<T>(field: &mut T, read: impl Fits<T>) -> Result<(), StateError> {
    read.put(field)
}

impl<T: Stateful> Field for &&Of<'_, T> {
    type Read = Part;

    fn save(&self, field: &str, state: State) -> Result<State, StateError> {
        state.with_part(field, self.0)
    }

    fn read(&self, field: &str, state: &State) -> Result<Part, StateError> {
        let part = state.part(field)?;
        part.check_version(self.0)?;
        Ok(Part(part))
    }
}

impl<T: Serialize + DeserializeOwned> Field for &Of<'_, T> {
    type Read = Plain<T>;

    fn save(&self, field: &str, state: State) -> Result<State, StateError> {
        state.with(field, self.0)
    }

    fn read(&self, field: &str, state: &State) -> Result<Plain<T>, StateError> {
        state.field(field).map(Plain)
    }
}

impl<T> Field for Of<'_, T> {
    type Read = Neither;

    fn save(&self, _: &str, state: State) -> Result<State, StateError> {
        Ok(state)
    }

    fn read(&self, _: &str, _: &State) -> Result<Neither, StateError> {
        Ok(Neither)
    }
}

/// The state of a field.
#[derive(Debug)]
pub struct Part(State);

/// The value of a field.
#[derive(Debug)]
pub struct Plain<T>(T);

/// Nothing: the field's type can't be saved, which is an error of the compiler where it is put into the field.
#[derive(Debug)]
pub struct Neither;

#[diagnostic::do_not_recommend]
impl<T: Stateful> Fits<T> for Part {
    fn put(self, field: &mut T) -> Result<(), StateError> {
        field.load(&self.0)
    }
}

#[diagnostic::do_not_recommend]
impl<T> Fits<T> for Plain<T> {
    fn put(self, field: &mut T) -> Result<(), StateError> {
        *field = self.0;
        Ok(())
    }
}

/// Something that implements `Stateful` by hand. The compiler's message for this trait does not list all types that do.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no state that can be saved",
    label = "implement `Stateful` for `{Self}`, or have it generated with `#[callback(state)]`"
)]
pub trait ByHand {
    /// Itself.
    fn stateful(&mut self) -> &mut dyn Stateful;
}

#[diagnostic::do_not_recommend]
impl<C: Stateful + 'static> ByHand for C {
    fn stateful(&mut self) -> &mut dyn Stateful {
        self
    }
}

/// Something that is its own state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved as the state of a callback",
    label = "derive `serde::Serialize` and `serde::Deserialize` for `{Self}`, or name the fields that are its state, as in `state(best)`"
)]
pub trait Whole {
    /// All of it.
    fn save(&self) -> Result<State, StateError>;
    /// Replaces it.
    fn load(&mut self, state: &State) -> Result<(), StateError>;
}

#[diagnostic::do_not_recommend]
impl<C: Serialize + DeserializeOwned> Whole for C {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(self)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        *self = state.data()?;
        Ok(())
    }
}
