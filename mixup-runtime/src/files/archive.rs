//! Named tensors and some text, as one safetensors file.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Read},
    path::Path,
};

use safetensors::Dtype;
use serde::{
    Deserialize as _,
    de::{DeserializeOwned, IntoDeserializer as _},
};
use sha2::{Digest as _, Sha256};
use tch::{Kind, Tensor};

use super::{
    Damage, FileError,
    atomic::{Sink, write_atomically},
    disk::Disk,
    layout::{Layout, PREFIX, Place},
};
use crate::{error::brief, state::KINDS};

/// How many bytes of a tensor are copied at once: writing needs this much memory, whatever the size of the tensors.
const CHUNK: usize = 1 << 20;

/// Named tensors and some text.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    /// Text by name. The library adds `format`, `mixup.format` and `mixup.sha256` to the file itself.
    pub metadata: BTreeMap<String, String>,
    /// The tensors, on any device; those that were read are on the CPU.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Why a description can't be read.
#[derive(Debug)]
pub(crate) enum Unread {
    Missing,
    /// It has this version, which is newer than those that are known.
    Newer(u64),
    Malformed(String),
}

/// A tensor that is still in its file.
#[derive(Debug)]
pub(crate) struct Located {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Where its bytes begin in the file.
    pub offset: u64,
}

/// Why a tensor can't be located.
#[derive(Debug)]
pub(crate) enum NotLocated {
    Damaged(Damage),
    /// No tensor has the name; these are there.
    Missing(Vec<String>),
}

/// Which files are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// Only those of this library.
    Us,
    /// Those of other programs too.
    Anybody,
}

impl Archive {
    /// Reads a description among the metadata: JSON with a `version`, of which versions up to `known` can be read.
    pub fn description<T: DeserializeOwned>(&self, name: &str, known: u32) -> Result<T, Unread> {
        let malformed = |error: serde_json::Error| Unread::Malformed(error.to_string());
        let text = self.metadata.get(name).ok_or(Unread::Missing)?;
        let any: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        match any.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version > u64::from(known) => Err(Unread::Newer(version)),
            _ => serde_json::from_value(any).map_err(malformed),
        }
    }

    /// Writes the file atomically, with a digest over everything. Tensors are copied to the CPU in parts, so this needs little memory.
    pub fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), FileError> {
        let unwritable = |reason: String| FileError::Unwritable { path: path.to_owned(), reason };
        let tensors = self.tensors.iter().map(|(name, tensor)| {
            let (dtype, shape) = form(tensor).map_err(|reason| format!("the tensor `{name}` {reason}"))?;
            Ok((name.clone(), dtype, shape))
        });
        let tensors = tensors.collect::<Result<Vec<_>, String>>().map_err(unwritable)?;
        let layout = Layout::new(self.metadata.clone(), tensors).map_err(|damage| unwritable(damage.to_string()))?;
        let header = layout.header_to_digest().map_err(|damage| unwritable(damage.to_string()))?;
        write_atomically(disk, path, |sink| {
            let mut hash = Sha256::new_with_prefix(&header);
            sink.write(&header)?;
            for Place { name, bytes, .. } in &layout.tensors {
                if let Some(tensor) = self.tensors.get(name) {
                    let copied = copy(tensor, *bytes, sink, &mut hash)?;
                    copied.map_err(|reason| unwritable(format!("the tensor `{name}` {reason}")))?;
                }
            }
            let header = layout.header(&hex(hash)).map_err(|damage| unwritable(damage.to_string()))?;
            sink.write_at(0, &header)
        })
    }

    /// Reads a file that [`write`](Self::write) has written, to the last bit: anything else is an error.
    pub fn read(disk: &dyn Disk, path: &Path) -> Result<Self, FileError> {
        Self::open(disk, path, From::Us)
    }

    /// Reads any safetensors file. One that this library has written is checked as by [`read`](Self::read); those of others have no digest.
    pub fn read_foreign(disk: &dyn Disk, path: &Path) -> Result<Self, FileError> {
        Self::open(disk, path, From::Anybody)
    }

    /// Finds a tensor in any safetensors file of `len` bytes, by its header alone: the digest is not computed. All of the tensor is in the file.
    pub fn locate(file: &mut dyn Read, len: u64, name: &str) -> io::Result<Result<Located, NotLocated>> {
        let layout = match (Reader { file, len, hash: Sha256::new() }).layout(From::Anybody)? {
            Ok((layout, _)) => layout,
            Err(damage) => return Ok(Err(NotLocated::Damaged(damage))),
        };
        // The tensors follow each other without gaps up to the end of the file.
        let mut offset = len - layout.tensors.iter().map(|place| place.bytes as u64).sum::<u64>();
        for place in &layout.tensors {
            if place.name == name {
                return Ok(Ok(Located { dtype: place.dtype, shape: place.shape.clone(), offset }));
            }
            offset += place.bytes as u64;
        }
        Ok(Err(NotLocated::Missing(layout.tensors.into_iter().map(|place| place.name).collect())))
    }

    fn open(disk: &dyn Disk, path: &Path, from: From) -> Result<Self, FileError> {
        let unread = |source| FileError::Read { path: path.to_owned(), source };
        let (mut file, len) = disk.open(path).map_err(unread)?;
        Self::of(&mut file, len, from)
            .map_err(unread)?
            .map_err(|damage| FileError::Damaged { path: path.to_owned(), damage })
    }

    /// Reads a file of `len` bytes. It needs memory for these, and for the largest tensor once more.
    fn of(file: &mut dyn Read, len: u64, from: From) -> io::Result<Result<Self, Damage>> {
        let mut reader = Reader { file, len, hash: Sha256::new() };
        let (layout, wanted) = match reader.layout(from)? {
            Ok(read) => read,
            Err(damage) => return Ok(Err(damage)),
        };
        let mut tensors = BTreeMap::new();
        for place in layout.tensors {
            let bytes = match reader.bytes(place.bytes)? {
                Ok(bytes) => bytes,
                Err(damage) => return Ok(Err(damage)),
            };
            reader.hash.update(&bytes);
            match tensor(&place, &bytes) {
                Ok(tensor) => tensors.insert(place.name, tensor),
                Err(damage) => return Ok(Err(damage)),
            };
        }
        if wanted.is_some_and(|wanted| wanted != hex(reader.hash)) {
            return Ok(Err(Damage::Digest));
        }
        Ok(Ok(Self { metadata: layout.metadata, tensors }))
    }
}

/// A file that is being read.
struct Reader<'a> {
    file: &'a mut dyn Read,
    /// The length that the file had when it was opened.
    len: u64,
    hash: Sha256,
}

impl Reader<'_> {
    /// Reads the header, and returns the digest that the content must have, unless the file is somebody else's.
    fn layout(&mut self, from: From) -> io::Result<Result<(Layout, Option<String>), Damage>> {
        let prefix = match self.bytes(PREFIX)? {
            Ok(bytes) => <[u8; PREFIX]>::try_from(bytes).unwrap_or_default(),
            Err(damage) => return Ok(Err(damage)),
        };
        let header = match Layout::header_len(prefix, self.len) {
            Ok(bytes) => self.bytes(bytes)?,
            Err(damage) => Err(damage),
        };
        Ok(header.and_then(|header| {
            let layout = Layout::read(&header, self.len)?;
            if from == From::Anybody && !layout.ours {
                return Ok((layout, None));
            }
            let digest = layout.check(&header)?.to_owned();
            self.hash.update(layout.header_to_digest()?);
            Ok((layout, Some(digest)))
        }))
    }

    /// The next bytes. No more memory is taken than the file has bytes.
    fn bytes(&mut self, wanted: usize) -> io::Result<Result<Vec<u8>, Damage>> {
        let mut bytes = Vec::with_capacity(wanted.min(usize::try_from(self.len).unwrap_or(usize::MAX)));
        (&mut *self.file).take(wanted as u64).read_to_end(&mut bytes)?;
        let found = bytes.len();
        let missing = (wanted - found) as u64;
        let short = Damage::Truncated { found: self.len.min(found as u64), wanted: self.len.max(wanted as u64) };
        Ok(if missing == 0 { Ok(bytes) } else { Err(short) })
    }
}

/// The kind and the shape of a tensor in a file.
fn form(tensor: &Tensor) -> Result<(Dtype, Vec<usize>), String> {
    if !tensor.defined() {
        return Err("is not defined".to_owned());
    }
    let kind = tensor.f_kind().map_err(|error| format!("has no kind: {}", brief(&error)))?;
    let name = KINDS.iter().find(|(_, known)| *known == kind).map(|(name, _)| *name);
    let dtype = name.and_then(|name| {
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Dtype::deserialize(name).ok()
    });
    let dtype = dtype.ok_or_else(|| format!("is of the kind {kind:?}, which safetensors does not have"))?;
    let shape = tensor.size().into_iter().map(usize::try_from).collect::<Result<_, _>>();
    Ok((dtype, shape.map_err(|_| "has a negative size".to_owned())?))
}

/// Writes the bytes of a tensor. The outer error is the disk's, the inner one libtorch's.
fn copy(
    tensor: &Tensor,
    bytes: usize,
    sink: &mut Sink<'_>,
    hash: &mut Sha256,
) -> Result<Result<(), String>, FileError> {
    let _no_grad = tch::no_grad_guard();
    let numbers = tensor.numel();
    let each = bytes.checked_div(numbers).unwrap_or_default();
    let at_once = (CHUNK.checked_div(each)).unwrap_or_default().max(1);
    let flat = match tensor.f_detach().and_then(|it| it.f_resolve_conj()?.f_resolve_neg()?.f_flatten(0, -1)) {
        Ok(flat) => flat,
        Err(error) => return Ok(Err(format!("can't be copied: {}", brief(&error)))),
    };
    let mut buffer = vec![0; bytes.min(at_once * each)];
    for start in (0..numbers).step_by(at_once) {
        let count = at_once.min(numbers - start);
        let part = &mut buffer[..count * each];
        let copied = flat.f_narrow(0, start as i64, count as i64).and_then(|it| it.f_copy_data_u8(part, count));
        if let Err(error) = copied {
            return Ok(Err(format!("can't be copied to the CPU: {}", brief(&error))));
        }
        hash.update(&*part);
        sink.write(part)?;
    }
    Ok(Ok(()))
}

/// The tensor of these bytes, which are as many as its kind and shape want.
fn tensor(place: &Place, bytes: &[u8]) -> Result<Tensor, Damage> {
    let Place { name, dtype, shape, .. } = place;
    let impossible = |reason: String| Damage::Tensor { name: name.clone(), reason };
    let kind = dtype.to_string();
    let known = KINDS.iter().find(|(known, _)| *known == kind);
    let &(_, kind) = known.ok_or_else(|| Damage::Kind { name: name.clone(), kind })?;
    // libtorch multiplies all sizes for its strides, also those beside a 0.
    let strides = shape
        .iter()
        .try_fold(kind.elt_size_in_bytes() as i64, |all, &size| all.checked_mul(i64::try_from(size.max(1)).ok()?));
    let sizes = shape.iter().map(|&size| i64::try_from(size)).collect::<Result<Vec<_>, _>>();
    let (Ok(sizes), Some(_)) = (sizes, strides) else {
        return Err(impossible(format!("its shape {shape:?} is too big")));
    };
    if kind == Kind::Bool && bytes.iter().any(|&byte| byte > 1) {
        return Err(impossible("it is of booleans, and has bytes other than 0 and 1".to_owned()));
    }
    Tensor::f_from_data_size(bytes, &sizes, kind).map_err(|error| impossible(brief(&error)))
}

/// A digest in hexadecimal digits.
pub(crate) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads a file from memory, as a fuzzer and the tests do.
#[cfg(test)]
pub(super) fn read_bytes(bytes: &[u8]) -> Result<Archive, Damage> {
    Archive::of(&mut &*bytes, bytes.len() as u64, From::Us).unwrap_or(Err(Damage::Digest))
}

/// As [`read_bytes`], for files of others.
#[cfg(test)]
pub(super) fn read_foreign_bytes(bytes: &[u8]) -> Result<Archive, Damage> {
    Archive::of(&mut &*bytes, bytes.len() as u64, From::Anybody).unwrap_or(Err(Damage::Digest))
}
