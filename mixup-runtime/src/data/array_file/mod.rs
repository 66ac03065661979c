//! Arrays in files, whose rows are read when they are needed: data that is larger than memory.
//!
//! `npy` reads the headers of NumPy's files, and `crate::files` those of safetensors files; `kind` turns bytes into numbers; `fault` says what
//! can be wrong; `items` makes a row an item. Everything is checked when a file is opened, so a row is later one read at a known place.
//!
//! Rows are read with positioned reads, and not through a memory map: if a mapped file shrinks, the system kills the process that reads beyond
//! the new end, and with a read this is an error that names the file and the row. The system's page cache keeps what is read often, as it
//! would for a map.

mod fault;
mod items;
mod kind;
mod npy;

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use kind::NumberKind;

pub use self::{fault::ArrayFault, items::FileItems};
use super::{Array, DataError, images, items::Numbers};
use crate::files::{Archive, NotLocated};

/// An array `[n, …]` in a file, whose rows are read when they are needed. [`FileItems`] makes items of them.
///
/// ```
/// use mixup::data::{ArrayFile, Numbers};
/// use tch::Tensor;
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("x.npy");
/// Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]).reshape([2, 2]).write_npy(&file)?;
/// let array = ArrayFile::npy(&file)?;
/// assert_eq!((array.len(), array.row_shape()), (2, &[2][..]));
/// assert_eq!(array.row(1)?.numbers(), &Numbers::Floats(vec![3.0, 4.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | kind in the file | numbers of a row |
/// |---|---|
/// | `u8` | [`Numbers::Bytes`]: in a batch, inputs become `f32` from 0 to 1 |
/// | `f16`, `bf16` (safetensors only), `f32`, `f64` | [`Numbers::Floats`], which are `f32` |
/// | `i8`, `i16`, `u16`, `i32`, `u32`, `i64` | [`Numbers::Ints`], which are `i64` |
///
/// The numbers must be little-endian and in C order, which NumPy writes on every usual computer. The file stays open, and must not change while
/// it is in use.
#[derive(Debug)]
pub struct ArrayFile {
    path: PathBuf,
    file: Positioned,
    kind: NumberKind,
    rows: usize,
    row_shape: Vec<usize>,
    /// Where the first row begins.
    offset: u64,
    /// How many bytes a row has.
    row_bytes: usize,
}

impl ArrayFile {
    /// Opens an array that NumPy's `np.save` or [`Tensor::write_npy`](tch::Tensor::write_npy) has written (formats 1.0, 2.0 and 3.0).
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::SpecialFile`] and [`DataError::Read`] if the file can't be read, and [`DataError::ArrayFile`] if it
    /// is not such an array: another format, a kind that is not in the table above, Fortran's order, or a length that does not fit the header.
    pub fn npy(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let (mut file, len) = open(path)?;
        let header = npy::read(&mut file).map_err(|cause| unread(path, cause))?;
        let form = header.map_err(|fault| faulty(path, fault))?;
        let all = bytes(form.kind, &form.shape).and_then(|all| all.checked_add(form.offset));
        if all != Some(len) {
            let kind = form.kind.name();
            return Err(faulty(path, ArrayFault::Length { kind, shape: form.shape, expected: all, found: len }));
        }
        Self::of(path, file, form)
    }

    /// Opens the tensor `name` of a safetensors file.
    ///
    /// The header is checked, and that the file has the length that the header gives. A digest, as this library's own files have one, is not: it
    /// would take a pass over the whole file.
    ///
    /// # Errors
    /// As for [`npy`](Self::npy), and [`DataError::ArrayFile`] if no tensor has this name.
    pub fn safetensors(path: impl AsRef<Path>, name: &str) -> Result<Self, DataError> {
        let path = path.as_ref();
        let (mut file, len) = open(path)?;
        let located = Archive::locate(&mut file, len, name).map_err(|cause| unread(path, cause))?;
        let located = located.map_err(|error| match error {
            NotLocated::Damaged(damage) => faulty(path, ArrayFault::Safetensors(damage)),
            NotLocated::Missing(names) => faulty(path, ArrayFault::NoTensor { name: name.to_owned(), names }),
        })?;
        let found = located.dtype.to_string();
        let kind = NumberKind::of_safetensors(located.dtype).ok_or_else(|| faulty(path, ArrayFault::Kind { found }))?;
        Self::of(path, file, Form { kind, shape: located.shape, offset: located.offset })
    }

    /// The array of this form. The file has been found to have the bytes that it needs.
    fn of(path: &Path, file: File, Form { kind, shape, offset }: Form) -> Result<Self, DataError> {
        let Some((&rows, row_shape)) = shape.split_first() else { return Err(faulty(path, ArrayFault::NoRows)) };
        let row_bytes = bytes(kind, row_shape).and_then(|bytes| usize::try_from(bytes).ok());
        // Rows without numbers could be more than any list of them can hold, whatever the length of the file.
        let Some(row_bytes) = row_bytes.filter(|&bytes| bytes > 0) else {
            return Err(faulty(path, ArrayFault::EmptyRows { shape }));
        };
        let (path, file, row_shape) = (path.to_owned(), Positioned::new(file), row_shape.to_vec());
        Ok(Self { path, file, kind, rows, row_shape, offset, row_bytes })
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The shape of a row: `[3, 28, 28]` if the file has an array `[n, 3, 28, 28]`, and `[]` if it has one of `[n]`.
    #[must_use]
    pub fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a row, counted from 0. Threads may read at the same time.
    ///
    /// # Errors
    /// [`DataError::Index`] if there is no such row, and [`DataError::ArrayFile`] if the file has been cut off or can no longer be read.
    pub fn row(&self, index: usize) -> Result<Array, DataError> {
        if index >= self.rows {
            return Err(DataError::Index { index, items: self.rows });
        }
        let mut bytes = vec![0; self.row_bytes];
        // No overflow: all rows lie within the file's length.
        let offset = self.offset + index as u64 * self.row_bytes as u64;
        self.file.read(&mut bytes, offset).map_err(|cause| {
            let (row, rows) = (index, self.rows);
            faulty(
                &self.path,
                match cause.kind() {
                    io::ErrorKind::UnexpectedEof => ArrayFault::Shrunk { row, rows },
                    _ => ArrayFault::Row { row, rows, cause },
                },
            )
        })?;
        Array::new(self.row_shape.clone(), self.kind.numbers(bytes))
    }

    /// Reads a row as a label: bytes are whole numbers there, and no pixels.
    fn label(&self, index: usize) -> Result<Array, DataError> {
        let row = self.row(index)?;
        match row.numbers() {
            Numbers::Bytes(bytes) => {
                let ints: Vec<i64> = bytes.iter().map(|&byte| i64::from(byte)).collect();
                Array::new(row.shape(), ints)
            }
            Numbers::Floats(_) | Numbers::Ints(_) => Ok(row),
        }
    }
}

/// What a header says.
#[derive(Debug, PartialEq)]
struct Form {
    kind: NumberKind,
    shape: Vec<usize>,
    /// Where the numbers begin.
    offset: u64,
}

/// How many bytes an array has.
fn bytes(kind: NumberKind, shape: &[usize]) -> Option<u64> {
    shape.iter().try_fold(kind.size() as u64, |bytes, &length| bytes.checked_mul(u64::try_from(length).ok()?))
}

/// Opens a file and returns its length.
fn open(path: &Path) -> Result<(File, u64), DataError> {
    images::metadata(path)?;
    images::refuse_special(path)?;
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    opened.map(|(len, file)| (file, len)).map_err(|cause| unread(path, cause))
}

fn unread(path: &Path, cause: io::Error) -> DataError {
    DataError::Read { file: path.to_owned(), cause }
}

fn faulty(path: &Path, fault: ArrayFault) -> DataError {
    DataError::ArrayFile { file: path.to_owned(), fault }
}

/// Reads up to `limit` bytes, fewer if the file ends before.
fn read_up_to(file: &mut File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file that several threads read at any offset.
#[cfg(unix)]
#[derive(Debug)]
struct Positioned(File);

#[cfg(unix)]
impl Positioned {
    fn new(file: File) -> Self {
        Self(file)
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, offset)
    }
}

/// A file that several threads read at any offset, one after another.
#[cfg(not(unix))]
#[derive(Debug)]
struct Positioned(parking_lot::Mutex<File>);

#[cfg(not(unix))]
impl Positioned {
    fn new(file: File) -> Self {
        Self(parking_lot::Mutex::new(file))
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::Seek as _;
        let mut file = self.0.lock();
        file.seek(io::SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }
}
