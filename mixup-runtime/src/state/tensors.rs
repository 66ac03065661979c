//! Tensors in a state: as bytes with their kind and shape, under the kinds' names in safetensors; and tensors that are a state by themselves.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser,
};
use tch::{Kind, Tensor};

use super::{State, StateError, Stateful};

/// The kinds that can be written down, under their names in safetensors.
pub(crate) const KINDS: &[(&str, Kind)] = &[
    ("BOOL", Kind::Bool),
    ("U8", Kind::Uint8),
    ("I8", Kind::Int8),
    ("I16", Kind::Int16),
    ("I32", Kind::Int),
    ("I64", Kind::Int64),
    ("F16", Kind::Half),
    ("BF16", Kind::BFloat16),
    ("F32", Kind::Float),
    ("F64", Kind::Double),
    ("C64", Kind::ComplexFloat),
    ("F8_E5M2", Kind::Float8e5m2),
    ("F8_E4M3", Kind::Float8e4m3fn),
    ("F8_E5M2FNUZ", Kind::Float8e5m2fnuz),
    ("F8_E4M3FNUZ", Kind::Float8e4m3fnuz),
];

pub(super) fn serialize<S: Serializer>(tensors: &BTreeMap<String, Tensor>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tensors.iter().map(|(name, tensor)| (name, Written(tensor))))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Tensor>, D::Error> {
    let tensors = BTreeMap::<String, Read>::deserialize(deserializer)?;
    Ok(tensors.into_iter().map(|(name, Read(tensor))| (name, tensor)).collect())
}

/// A tensor in a file. The bytes are in the machine's order, which is the little end first wherever libtorch runs.
#[derive(Serialize, Deserialize)]
struct Stored {
    kind: Cow<'static, str>,
    shape: Vec<i64>,
    bytes: Bytes,
}

struct Bytes(Vec<u8>);

/// A tensor on its way into a file.
struct Written<'a>(&'a Tensor);

/// A tensor out of a file.
#[derive(Deserialize)]
#[serde(try_from = "Stored")]
struct Read(Tensor);

impl Stored {
    fn of(tensor: &Tensor) -> Result<Self, String> {
        let kind = tensor.f_kind().map_err(|error| crate::error::brief(&error))?;
        let known = KINDS.iter().find(|(_, known)| *known == kind);
        let (name, _) = known.ok_or_else(|| format!("a tensor of the kind {kind:?} can't be written down"))?;
        let mut bytes = vec![0; tensor.numel() * kind.elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel()).map_err(|error| crate::error::brief(&error))?;
        Ok(Self { kind: Cow::Borrowed(name), shape: tensor.size(), bytes: Bytes(bytes) })
    }
}

impl TryFrom<Stored> for Read {
    type Error = String;

    fn try_from(Stored { kind, shape, bytes: Bytes(bytes) }: Stored) -> Result<Self, String> {
        let known = KINDS.iter().find(|(name, _)| *name == kind);
        let &(_, kind) = known.ok_or_else(|| format!("a tensor has the kind `{kind}`, which is not known"))?;
        let numbers = shape.iter().try_fold(1, |numbers: usize, &size| numbers.checked_mul(size.try_into().ok()?));
        let wanted = numbers.and_then(|numbers| numbers.checked_mul(kind.elt_size_in_bytes()));
        if wanted != Some(bytes.len()) {
            return Err(format!("a tensor of the kind {kind:?} and the shape {shape:?} has {} bytes", bytes.len()));
        }
        if kind == Kind::Bool && bytes.iter().any(|&byte| byte > 1) {
            return Err("a tensor of the kind Bool has bytes other than 0 and 1".to_owned());
        }
        Tensor::f_from_data_size(&bytes, &shape, kind).map(Self).map_err(|error| crate::error::brief(&error))
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored::of(self.0).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsBytes;

        impl<'de> Visitor<'de> for AsBytes {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            /// In a format without bytes, such as JSON, they are a list of numbers.
            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Bytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = numbers.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes(bytes))
            }
        }

        deserializer.deserialize_byte_buf(AsBytes)
    }
}

/// A tensor is loaded onto the device of the one that it replaces, or stays where the state has it if that one is undefined.
#[diagnostic::do_not_recommend]
impl Stateful for Tensor {
    fn save(&self) -> Result<State, StateError> {
        if self.defined() { State::new().with_tensor("", self) } else { Ok(State::new()) }
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        *self = match state.tensors.get("") {
            None => Self::new(),
            Some(saved) if self.defined() => saved.f_detach_copy()?.f_to_device(self.device())?,
            Some(saved) => saved.f_detach_copy()?,
        };
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Stateful for Option<Tensor> {
    fn save(&self) -> Result<State, StateError> {
        self.as_ref().map_or_else(|| Ok(State::new()), Stateful::save)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let mut tensor = self.as_ref().map_or_else(Tensor::new, Tensor::shallow_clone);
        tensor.load(state)?;
        *self = tensor.defined().then_some(tensor);
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Stateful for Vec<Tensor> {
    fn save(&self) -> Result<State, StateError> {
        let mut numbered = self.iter().enumerate();
        numbered
            .try_fold(State::of_data(&self.len())?, |state, (at, tensor)| state.with_tensor(&at.to_string(), tensor))
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let saved = (0..state.data()?).map(|at: usize| {
            let mut tensor = self.get(at).map_or_else(Tensor::new, Tensor::shallow_clone);
            load_named(&mut tensor, &at.to_string(), state)?;
            Ok(tensor)
        });
        *self = saved.collect::<Result<_, StateError>>()?;
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl Stateful for BTreeMap<String, Tensor> {
    fn save(&self) -> Result<State, StateError> {
        let names: Vec<_> = self.keys().collect();
        self.iter().try_fold(State::of_data(&names)?, |state, (name, tensor)| state.with_tensor(name, tensor))
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let names: Vec<String> = state.data()?;
        let saved = names.into_iter().map(|name| {
            let mut tensor = self.get(&name).map_or_else(Tensor::new, Tensor::shallow_clone);
            load_named(&mut tensor, &name, state)?;
            Ok((name, tensor))
        });
        *self = saved.collect::<Result<_, StateError>>()?;
        Ok(())
    }
}

/// Loads the tensor of this name onto the device of the one that it replaces.
fn load_named(tensor: &mut Tensor, name: &str, state: &State) -> Result<(), StateError> {
    State { tensors: [(String::new(), state.tensor(name)?)].into(), ..State::new() }.load_into(tensor)
}
