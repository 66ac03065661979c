//! What can be wrong with a file of an array.

use std::io;

use crate::files::Damage;

/// What is wrong with the file of an [`ArrayFile`](super::ArrayFile).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayFault {
    /// The file does not begin as an `.npy` file does.
    #[error(
        "it begins with the bytes {found:02x?}, but an .npy file begins with [93, 4e, 55, 4d, 50, 59], which is \\x93NUMPY"
    )]
    Magic {
        /// Its first bytes, six if it has so many.
        found: Vec<u8>,
    },
    /// The `.npy` file has an unknown format.
    #[error("it has the .npy format {major}.{minor}, but only 1.0, 2.0 and 3.0 are read")]
    Format {
        /// The major version.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// The file ends within its header.
    #[error("it ends after {found} bytes, within its header: it was cut off")]
    HeaderCut {
        /// How many bytes it has.
        found: u64,
    },
    /// The header is too long.
    #[error("its header would have {bytes} bytes, but no header of an array has more than {limit}: it is damaged")]
    HeaderLength {
        /// The length that the file gives.
        bytes: u64,
        /// The longest that is read.
        limit: u64,
    },
    /// The header is not a dictionary with `descr`, `fortran_order` and `shape`.
    #[error(
        "its header is wrong at byte {at}: {expected} was expected there, as in {{'descr': '<f4', 'fortran_order': False, 'shape': (60, 2)}}"
    )]
    Header {
        /// Where, in bytes after the header's own beginning.
        at: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The numbers are in Fortran's order, column by column.
    #[error(
        "its numbers are in Fortran's order, in which no row is in one piece: save `np.ascontiguousarray(x)` instead"
    )]
    FortranOrder,
    /// The numbers have a kind that is not read.
    #[error(
        "its numbers are of the kind `{found}`, but only little-endian u8, i8, i16, u16, i32, u32, i64, f16, bf16, f32 and f64 \
         are read: convert them"
    )]
    Kind {
        /// The kind, as the file names it.
        found: String,
    },
    /// The file's length does not fit its header.
    #[error("{}", length(kind, shape, *expected, *found))]
    Length {
        /// The kind of the numbers.
        kind: &'static str,
        /// The shape in the header.
        shape: Vec<usize>,
        /// How many bytes the file should have; `None` if more than can be counted.
        expected: Option<u64>,
        /// How many it has.
        found: u64,
    },
    /// The array is a single number.
    #[error(
        "it has a single number without a dimension, but the first dimension counts the rows: the shape must be [n, …]"
    )]
    NoRows,
    /// The rows have no numbers.
    #[error("its shape is {shape:?}, so its rows have no numbers: only the first size may be 0")]
    EmptyRows {
        /// The shape.
        shape: Vec<usize>,
    },
    /// The safetensors file is damaged, or is none.
    #[error(transparent)]
    Safetensors(Damage),
    /// The safetensors file has no tensor of this name.
    #[error("it has no tensor `{name}`: {}", has(names))]
    NoTensor {
        /// The name that was asked for.
        name: String,
        /// The names of its tensors.
        names: Vec<String>,
    },
    /// The file has become shorter since it was opened.
    #[error(
        "row {row} of {rows} is missing: the file has been cut off since it was opened, but must not change while it is in use"
    )]
    Shrunk {
        /// The row, counted from 0.
        row: usize,
        /// How many rows there were.
        rows: usize,
    },
    /// A row can't be read.
    #[error("row {row} of {rows} can't be read: {cause}")]
    Row {
        /// The row, counted from 0.
        row: usize,
        /// How many rows there are.
        rows: usize,
        /// The error of the system.
        cause: io::Error,
    },
}

fn length(kind: &str, shape: &[usize], expected: Option<u64>, found: u64) -> String {
    match expected {
        None => format!(
            "its header asks for numbers {kind} of {shape:?}, which is more than a file can have: it is damaged"
        ),
        Some(expected) => {
            let what = if found < expected { "it was cut off" } else { "something was added to it" };
            format!(
                "it has {found} bytes, but its header asks for {expected}, with numbers {kind} of {shape:?}: {what}"
            )
        }
    }
}

/// The first ten names, and how many more there are.
fn has(names: &[String]) -> String {
    let first = names.iter().take(10).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (names.len(), names.len().saturating_sub(10)) {
        (0, _) => "it has none".to_owned(),
        (_, 0) => format!("it has {first}"),
        (_, more) => format!("it has {first} and {more} more"),
    }
}
