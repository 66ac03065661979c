//! The kinds of numbers in files, and how their bytes become numbers.

use half::{bf16, f16};
use safetensors::Dtype;

use crate::data::items::Numbers;

/// A kind of numbers that can be read, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    U8,
    I8,
    I16,
    U16,
    I32,
    U32,
    I64,
    F16,
    Bf16,
    F32,
    F64,
}

/// Each kind with its name for messages, and its name in NumPy without the order of bytes. NumPy has no `bf16`.
const KINDS: [(NumberKind, &str, &str, Dtype); 11] = [
    (NumberKind::U8, "u8", "u1", Dtype::U8),
    (NumberKind::I8, "i8", "i1", Dtype::I8),
    (NumberKind::I16, "i16", "i2", Dtype::I16),
    (NumberKind::U16, "u16", "u2", Dtype::U16),
    (NumberKind::I32, "i32", "i4", Dtype::I32),
    (NumberKind::U32, "u32", "u4", Dtype::U32),
    (NumberKind::I64, "i64", "i8", Dtype::I64),
    (NumberKind::F16, "f16", "f2", Dtype::F16),
    (NumberKind::Bf16, "bf16", "", Dtype::BF16),
    (NumberKind::F32, "f32", "f4", Dtype::F32),
    (NumberKind::F64, "f64", "f8", Dtype::F64),
];

impl NumberKind {
    /// The kind that NumPy names so: `<f4`, or `|u1`, since a single byte has no order.
    pub fn of_npy(descr: &str) -> Option<Self> {
        let name = descr.strip_prefix('<').or_else(|| descr.strip_prefix('|').filter(|name| name.ends_with('1')))?;
        KINDS.iter().find(|(_, _, known, _)| !known.is_empty() && *known == name).map(|(kind, ..)| *kind)
    }

    /// The kind that safetensors names so.
    pub fn of_safetensors(dtype: Dtype) -> Option<Self> {
        KINDS.iter().find(|(.., known)| *known == dtype).map(|(kind, ..)| *kind)
    }

    /// The name for messages.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, ..)| name)
    }

    /// How many bytes a number has.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// The numbers of these bytes.
    pub fn numbers(self, bytes: Vec<u8>) -> Numbers {
        match self {
            Self::U8 => Numbers::Bytes(bytes),
            Self::I8 => ints(&bytes, i8::from_le_bytes),
            Self::I16 => ints(&bytes, i16::from_le_bytes),
            Self::U16 => ints(&bytes, u16::from_le_bytes),
            Self::I32 => ints(&bytes, i32::from_le_bytes),
            Self::U32 => ints(&bytes, u32::from_le_bytes),
            Self::I64 => ints(&bytes, i64::from_le_bytes),
            Self::F16 => floats(&bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::Bf16 => floats(&bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Self::F32 => floats(&bytes, f32::from_le_bytes),
            Self::F64 => floats(&bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }
}

fn ints<const SIZE: usize, T: Into<i64>>(bytes: &[u8], of: impl Fn([u8; SIZE]) -> T) -> Numbers {
    Numbers::Ints(bytes.as_chunks().0.iter().map(|&bytes| of(bytes).into()).collect())
}

fn floats<const SIZE: usize>(bytes: &[u8], of: impl Fn([u8; SIZE]) -> f32) -> Numbers {
    Numbers::Floats(bytes.as_chunks().0.iter().map(|&bytes| of(bytes)).collect())
}
