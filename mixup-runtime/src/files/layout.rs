//! The form of a file: a header, which is the one that safetensors prescribes, and the tensors' bytes.
//!
//! Our own files have a canonical form. The header lists the metadata and the tensors in a fixed order, and has a digest: the SHA-256 of the
//! whole file, in which the digest itself stands as 64 zeros. A reader writes the header again and compares, so no changed byte is accepted,
//! not even a blank.
//!
//! This file knows no tensors of libtorch, so it can be fuzzed without them.

use std::{cmp::Reverse, collections::BTreeMap};

use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::damage::Damage;

/// The version of the form. A file of a newer one is not read.
const VERSION: u32 = 1;
/// The digest, among the metadata.
const DIGEST: &str = "mixup.sha256";
/// The version, among the metadata.
const FORMAT: &str = "mixup.format";
/// All of our own metadata begin so.
const OURS: &str = "mixup.";
/// Where the digest stands while it is computed.
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The name under which the header has the metadata.
const METADATA: &str = "__metadata__";
/// The length of the length of the header.
pub(super) const PREFIX: usize = 8;
/// The longest header that the format allows.
const LONGEST_HEADER: u64 = 100_000_000;

/// The content of a header: metadata, and where each tensor is.
#[derive(Debug)]
pub(super) struct Layout {
    /// The metadata, without those that every file of ours has.
    pub metadata: BTreeMap<String, String>,
    /// The tensors, in the order of their bytes.
    pub tensors: Vec<Place>,
    /// Whether the file is one of ours, going by its metadata.
    pub ours: bool,
    /// The digest, if there is one.
    pub digest: Option<String>,
}

/// A tensor, and how many bytes it has after those before it.
#[derive(Debug)]
pub(super) struct Place {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: usize,
}

impl Layout {
    /// The layout of a file that is to be written. The widest numbers come first, so that all are aligned in the file.
    pub fn new(
        metadata: BTreeMap<String, String>,
        tensors: impl IntoIterator<Item = (String, Dtype, Vec<usize>)>,
    ) -> Result<Self, Damage> {
        if let Some(name) = metadata.keys().find(|name| is_reserved(name)) {
            return Err(malformed(format!("`{name}` is written by the library itself")));
        }
        let place = |(name, dtype, shape): (String, Dtype, Vec<usize>)| {
            let bytes = bytes(dtype, &shape).ok_or_else(|| malformed(format!("`{name}` of {shape:?} is too big")))?;
            if name == METADATA {
                Err(malformed(format!("no tensor can be called `{name}`")))
            } else {
                Ok(Place { name, dtype, shape, bytes })
            }
        };
        let mut tensors = tensors.into_iter().map(place).collect::<Result<Vec<_>, _>>()?;
        tensors.sort_by(|a, b| (Reverse(a.dtype), &a.name).cmp(&(Reverse(b.dtype), &b.name)));
        Ok(Self { metadata, tensors, ours: true, digest: Some(ZEROS.to_owned()) })
    }

    /// How long the header of a file is, after its length.
    pub fn header_len(prefix: [u8; PREFIX], file: u64) -> Result<usize, Damage> {
        let bytes = u64::from_le_bytes(prefix);
        let too_long = Damage::Header { bytes, limit: LONGEST_HEADER };
        if bytes > LONGEST_HEADER {
            return Err(too_long);
        }
        let wanted = bytes + PREFIX as u64;
        if file < wanted {
            return Err(Damage::Truncated { found: file, wanted });
        }
        usize::try_from(bytes).map_err(|_| too_long)
    }

    /// Reads the header of any safetensors file, without its length. `file` is the length of the file.
    pub fn read(header: &[u8], file: u64) -> Result<Self, Damage> {
        let read: Metadata = serde_json::from_slice(header).map_err(|error| malformed(error.to_string()))?;
        let wanted = (read.data_len() as u64).saturating_add((PREFIX + header.len()) as u64);
        if file < wanted {
            return Err(Damage::Truncated { found: file, wanted });
        }
        if file > wanted {
            return Err(Damage::TooLong { found: file, wanted });
        }
        let place = |name: String| {
            let TensorInfo { dtype, shape, data_offsets: (start, end) } =
                read.info(&name).ok_or_else(|| malformed(format!("`{name}` is nowhere")))?;
            Ok((*start, Place { dtype: *dtype, shape: shape.clone(), bytes: end - start, name }))
        };
        let mut placed = read.offset_keys().into_iter().map(place).collect::<Result<Vec<_>, Damage>>()?;
        // Empty tensors are where others begin.
        placed.sort_by(|(start, a), (other, b)| {
            (start, Reverse(a.dtype), &a.name).cmp(&(other, Reverse(b.dtype), &b.name))
        });
        let tensors = placed.into_iter().map(|(_, place)| place).collect();
        let mut metadata: BTreeMap<_, _> = read.metadata().clone().unwrap_or_default().into_iter().collect();
        let digest = metadata.get(DIGEST).cloned();
        let ours = metadata.keys().any(|name| name.starts_with(OURS));
        if ours {
            check_version(metadata.get(FORMAT))?;
            metadata.retain(|name, _| !is_reserved(name));
        }
        Ok(Self { metadata, tensors, ours, digest })
    }

    /// Checks that a file of ours has this header and this layout, and returns the digest that its content must have.
    pub fn check(&self, header: &[u8]) -> Result<&str, Damage> {
        let digest = self.digest.as_deref().ok_or(Damage::NoDigest)?;
        if digest.len() != ZEROS.len() {
            return Err(Damage::Digest);
        }
        let in_order = self.tensors.is_sorted_by_key(|place| (Reverse(place.dtype), &place.name));
        let again = self.header(digest)?;
        let same = again.get(PREFIX..) == Some(header);
        if in_order && same { Ok(digest) } else { Err(Damage::NotCanonical) }
    }

    /// The header with its length, with zeros for the digest: what the digest is computed of, before the tensors' bytes.
    pub fn header_to_digest(&self) -> Result<Vec<u8>, Damage> {
        self.header(ZEROS)
    }

    /// The header with its length, in the canonical form.
    pub fn header(&self, digest: &str) -> Result<Vec<u8>, Damage> {
        let mut json =
            serde_json::to_vec(&Header { layout: self, digest }).map_err(|error| malformed(error.to_string()))?;
        json.resize(json.len().next_multiple_of(PREFIX), b' ');
        let bytes = json.len() as u64;
        if bytes > LONGEST_HEADER {
            return Err(Damage::Header { bytes, limit: LONGEST_HEADER });
        }
        let mut header = bytes.to_le_bytes().to_vec();
        header.append(&mut json);
        Ok(header)
    }
}

/// A file's version is that of the digest too: a file without a version is none of ours, even if it has other metadata that look like ours.
fn check_version(found: Option<&String>) -> Result<(), Damage> {
    let found = found.ok_or(Damage::NotCanonical)?;
    match found.parse::<u32>() {
        Ok(VERSION) => Ok(()),
        Ok(newer) if newer > VERSION => Err(Damage::Newer { found: found.clone(), known: VERSION }),
        _ => Err(Damage::NotCanonical),
    }
}

/// Metadata that every file of ours has, by this library's own hand. `format` says to PyTorch's readers that it is for them.
fn is_reserved(name: &str) -> bool {
    [DIGEST, FORMAT, "format"].contains(&name)
}

fn bytes(dtype: Dtype, shape: &[usize]) -> Option<usize> {
    let numbers = shape.iter().try_fold(1_usize, |numbers, &size| numbers.checked_mul(size))?;
    let bits = numbers.checked_mul(dtype.bitsize())?;
    (bits % 8 == 0).then_some(bits / 8)
}

fn malformed(reason: String) -> Damage {
    Damage::Malformed { reason }
}

/// A header on its way into a file, in the canonical order.
struct Header<'a> {
    layout: &'a Layout,
    digest: &'a str,
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Layout { metadata, tensors, .. } = self.layout;
        let version = VERSION.to_string();
        let mut all: BTreeMap<&str, &str> =
            metadata.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        all.extend([("format", "pt"), (FORMAT, &version), (DIGEST, self.digest)]);
        let mut map = serializer.serialize_map(Some(tensors.len() + 1))?;
        map.serialize_entry(METADATA, &all)?;
        let mut start = 0;
        for Place { name, dtype, shape, bytes } in tensors {
            let end = start + bytes;
            map.serialize_entry(name, &TensorInfo { dtype: *dtype, shape: shape.clone(), data_offsets: (start, end) })?;
            start = end;
        }
        map.end()
    }
}
