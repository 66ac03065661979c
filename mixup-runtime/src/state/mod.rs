//! State: what something remembers, as data that can be kept, written to a file and loaded again.
//!
//! There is one form for all that has a state: callbacks, losses, metrics, samplers, streams, and models beyond their parameters.

mod error;
#[doc(hidden)]
pub mod field;
mod tensors;

use std::collections::BTreeMap;

use ciborium::Value;
pub use error::StateError;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use tch::Tensor;
pub(crate) use tensors::KINDS;

/// Something that remembers, and whose memory can be saved and loaded.
///
/// `#[callback(state(best, waited))]` implements it for a callback. By hand it is:
///
/// ```
/// use mixup::state::{State, StateError, Stateful};
/// use tch::Tensor;
///
/// struct Average {
///     decay: f64,
///     steps: u64,
///     mean: Tensor,
/// }
///
/// impl Stateful for Average {
///     fn save(&self) -> Result<State, StateError> {
///         State::new().with("steps", &self.steps)?.with_tensor("mean", &self.mean)
///     }
///
///     fn load(&mut self, state: &State) -> Result<(), StateError> {
///         let steps = state.field("steps")?; // first read everything, then change the first field
///         self.mean = state.tensor("mean")?;
///         self.steps = steps;
///         Ok(())
///     }
/// }
///
/// let one = Average { decay: 0.99, steps: 3, mean: Tensor::from_slice(&[0.5, 2.0]) };
/// let mut other = Average { decay: 0.99, steps: 0, mean: Tensor::from_slice(&[0.0, 0.0]) };
/// State::of(&one)?.load_into(&mut other)?;
/// assert_eq!((other.steps, other.mean), (one.steps, one.mean));
/// # Ok::<(), StateError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no state that can be saved",
    label = "implement `Stateful` for `{Self}`, or have it generated with `#[callback(state)]`"
)]
pub trait Stateful {
    /// The version of what [`save`](Self::save) writes: raise it when that changes. A state of a newer version is not loaded; one of an older
    /// version is, and [`State::version`] says which it is. Defaults to 1.
    fn version(&self) -> u32 {
        1
    }

    /// Returns what is to be saved. [`State::of`] calls this and adds the version.
    ///
    /// # Errors
    /// Something that can't be written down; an error of your own goes into [`StateError::other`].
    fn save(&self) -> Result<State, StateError>;

    /// Loads a state that [`save`](Self::save) has written, in this version or an older one. [`State::load_into`] calls this, after it has
    /// compared the versions.
    ///
    /// # Errors
    /// A state that does not fit; an error of your own goes into [`StateError::other`].
    fn load(&mut self, state: &State) -> Result<(), StateError>;
}

/// What the method `stateful` of other traits returns. Without something stateful there is an empty state.
#[diagnostic::do_not_recommend]
impl Stateful for Option<&mut dyn Stateful> {
    fn version(&self) -> u32 {
        self.as_ref().map_or(1, |it| it.version())
    }

    fn save(&self) -> Result<State, StateError> {
        self.as_ref().map_or_else(|| Ok(State::new()), |it| it.save())
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.as_mut().map_or(Ok(()), |it| it.load(state))
    }
}

/// A state: plain data (whole numbers, floats to the bit, text, bytes, lists, maps), named tensors, and a version.
///
/// `serde` writes it in any format. CBOR keeps every float to the bit, while JSON has no NaN. Tensors are written as bytes, with their kind and
/// shape, and are read onto the CPU.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    version: u32,
    data: Value,
    #[serde(with = "tensors")]
    tensors: BTreeMap<String, Tensor>,
}

/// How the data of a part stands among the data of the whole.
#[derive(Serialize, Deserialize)]
struct Part {
    version: u32,
    data: Value,
}

impl State {
    /// An empty state, to which [`with`](Self::with) and [`with_tensor`](Self::with_tensor) add fields.
    #[must_use]
    pub fn new() -> Self {
        Self { version: 1, data: Value::Map(Vec::new()), tensors: BTreeMap::new() }
    }

    /// The state of something that is one value of `serde`'s. The fields of a struct are the state's fields.
    ///
    /// # Errors
    /// [`StateError::Write`].
    pub fn of_data(value: &(impl Serialize + ?Sized)) -> Result<Self, StateError> {
        Ok(Self { data: Value::serialized(value).map_err(StateError::Write)?, ..Self::new() })
    }

    /// What `it` remembers now, with its version.
    ///
    /// # Errors
    /// Those of [`Stateful::save`].
    pub fn of(it: &(impl Stateful + ?Sized)) -> Result<Self, StateError> {
        Ok(Self { version: it.version(), ..it.save()? })
    }

    /// Loads this state into `it`.
    ///
    /// # Errors
    /// [`StateError::Newer`] for a version that `it` does not know, and those of [`Stateful::load`]. It may then have changed in part, unless its
    /// `load` reads everything first; [`Learner::load_state`](crate::learner::Learner::load_state) undoes that.
    pub fn load_into(&self, it: &mut (impl Stateful + ?Sized)) -> Result<(), StateError> {
        self.check_version(it)?;
        it.load(self)
    }

    pub(crate) fn check_version(&self, it: &(impl Stateful + ?Sized)) -> Result<(), StateError> {
        let (found, known) = (self.version, it.version());
        if found > known { Err(StateError::Newer { found, known }) } else { Ok(()) }
    }

    /// The version of what wrote it.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// With one more field.
    ///
    /// # Errors
    /// [`StateError::Write`], and [`StateError::NoFields`] if this state is one value that has no fields.
    pub fn with(mut self, field: &str, value: &(impl Serialize + ?Sized)) -> Result<Self, StateError> {
        let value = Value::serialized(value).map_err(StateError::Write)?;
        let Value::Map(fields) = &mut self.data else {
            return Err(StateError::NoFields { field: field.to_owned() });
        };
        fields.retain(|(name, _)| name.as_text() != Some(field));
        fields.push((Value::Text(field.to_owned()), value));
        Ok(self)
    }

    /// With a copy of one more tensor.
    ///
    /// # Errors
    /// [`StateError::Torch`] if it can't be copied, as an undefined tensor.
    pub fn with_tensor(mut self, name: &str, tensor: &Tensor) -> Result<Self, StateError> {
        self.tensors.insert(name.to_owned(), tensor.f_detach_copy()?);
        Ok(self)
    }

    /// With the state of something that `it` consists of: its data as a field, its tensors as `field/name`.
    ///
    /// # Errors
    /// Those of [`of`](Self::of) and [`with`](Self::with).
    pub fn with_part(self, field: &str, it: &(impl Stateful + ?Sized)) -> Result<Self, StateError> {
        let Self { version, data, tensors } = Self::of(it)?;
        let mut whole = self.with(field, &Part { version, data })?;
        whole.tensors.extend(tensors.into_iter().map(|(name, tensor)| (joined(field, &name), tensor)));
        Ok(whole)
    }

    /// All of the data as a type.
    ///
    /// # Errors
    /// [`StateError::Read`] if they are not of that type.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, StateError> {
        self.data.deserialized().map_err(StateError::Read)
    }

    /// A field.
    ///
    /// # Errors
    /// [`StateError::Field`] if there is none of this name, [`StateError::Read`] if it is not of that type.
    pub fn field<T: DeserializeOwned>(&self, field: &str) -> Result<T, StateError> {
        let mut fields = self.data.as_map().into_iter().flatten();
        let value = fields.find(|(name, _)| name.as_text() == Some(field)).map(|(_, value)| value);
        let value = value.ok_or_else(|| StateError::Field { field: field.to_owned(), version: self.version })?;
        value.deserialized().map_err(StateError::Read)
    }

    /// A copy of a tensor.
    ///
    /// # Errors
    /// [`StateError::Tensor`] if there is none of this name, [`StateError::Torch`] if it can't be copied.
    pub fn tensor(&self, name: &str) -> Result<Tensor, StateError> {
        let tensor = self.tensors.get(name);
        let tensor = tensor.ok_or_else(|| StateError::Tensor { name: name.to_owned(), version: self.version })?;
        Ok(tensor.f_detach_copy()?)
    }

    /// The data as CBOR, which has every float to the bit.
    pub(crate) fn data_bytes(&self) -> Result<Vec<u8>, StateError> {
        let mut bytes = Vec::new();
        ciborium::into_writer(&self.data, &mut bytes).map_err(StateError::other)?;
        Ok(bytes)
    }

    /// The state of this data, as [`data_bytes`](Self::data_bytes) has written it, and these tensors.
    pub(crate) fn from_parts(version: u32, data: &[u8], tensors: BTreeMap<String, Tensor>) -> Result<Self, StateError> {
        Ok(Self { version, data: ciborium::from_reader(data).map_err(StateError::other)?, tensors })
    }

    /// The tensors by name.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The names of the tensors.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The names of the tensors that are not the same to the bit in another state, or are in one of them only; and `data` if the data are not.
    pub(crate) fn differing(&self, other: &Self) -> Vec<String> {
        let one = |state: &Self, name: &str| {
            let tensor = state.tensors.get(name)?.shallow_clone();
            Some(Self { tensors: [(String::new(), tensor)].into(), ..Self::new() })
        };
        let names: std::collections::BTreeSet<_> = self.tensors.keys().chain(other.tensors.keys()).collect();
        let tensors = names.into_iter().filter(|name| one(self, name) != one(other, name)).cloned();
        let data = (self.data != other.data).then(|| "data".to_owned());
        tensors.chain(data).collect()
    }

    /// The state that [`with_part`](Self::with_part) has added.
    ///
    /// # Errors
    /// [`StateError::Field`] if there is none of this name, [`StateError::Read`] if it is no part.
    pub fn part(&self, field: &str) -> Result<Self, StateError> {
        let Part { version, data } = self.field(field)?;
        let of_part = |(name, tensor): (&String, &Tensor)| {
            let rest = name.strip_prefix(field)?;
            let inner = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
            Some((inner.to_owned(), tensor.shallow_clone()))
        };
        Ok(Self { version, data, tensors: self.tensors.iter().filter_map(of_part).collect() })
    }
}

/// Reads a field that may be `None`, and must be there. Left to itself, `serde` takes a missing one for `None`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(field)
}

/// The name of a part's tensor in the whole. A part that is one tensor has no name for it.
fn joined(field: &str, name: &str) -> String {
    if name.is_empty() { field.to_owned() } else { format!("{field}/{name}") }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// Nobody can change a state's tensors, so clones share them.
impl Clone for State {
    fn clone(&self) -> Self {
        let tensors = self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
        Self { version: self.version, data: self.data.clone(), tensors }
    }
}

/// The same to the bit: a NaN is equal to itself.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let written = |state: &Self| {
            let mut bytes = Vec::new();
            ciborium::into_writer(state, &mut bytes).is_ok().then_some(bytes)
        };
        written(self).is_some_and(|bytes| written(other) == Some(bytes))
    }
}
