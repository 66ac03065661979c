//! IDX, the format of MNIST and Fashion-MNIST: a header of big-endian numbers, then bytes. Files may be gzipped.
//!
//! The header is `00 00 08 d` (bytes, in d dimensions), then each dimension as four bytes
//! (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section on file formats).

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use tch::{Kind, Tensor};

use super::{
    dataset::ImageDataset,
    path::{refuse_special, require_folder},
};
use crate::data::{DataError, ImageSize};

/// The content of an IDX file.
struct Idx {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Images with their labels, and the files that they came from.
pub(super) struct Part {
    pub(super) set: ImageDataset,
    pub(super) images: PathBuf,
    labels: PathBuf,
    size: (u32, u32),
    classes: BTreeSet<u8>,
}

/// Training images, and validation images if there are any.
pub(super) struct Pair {
    pub(super) train: Part,
    pub(super) valid: Option<Part>,
}

impl Pair {
    /// Combines both parts after checking that they fit each other.
    pub(super) fn new(train: Part, valid: Option<Part>) -> Result<Self, DataError> {
        if let Some(valid) = &valid {
            if train.size != valid.size {
                let sizes = [&train, valid].map(|part| ImageSize {
                    width: part.size.0,
                    height: part.size.1,
                    images: crate::batch::items(part.set.labels()),
                    first: part.images.clone(),
                });
                return Err(DataError::Sizes { sizes: sizes.to_vec() });
            }
            if let Some(class) = valid.classes.difference(&train.classes).next() {
                return Err(DataError::UnknownClass { class: class.to_string(), place: valid.labels.clone() });
            }
        }
        Ok(Self { train, valid })
    }

    /// Reads the files with MNIST's names in `folder`. Without any `t10k-…` there is no validation data.
    pub(super) fn from_folder(folder: &Path) -> Result<Self, DataError> {
        require_folder(folder)?;
        let train = Part::from_files(require(folder, "train-images-idx3")?, require(folder, "train-labels-idx1")?)?;
        let has_valid = ["t10k-images-idx3", "t10k-labels-idx1"].iter().any(|stem| find(folder, stem).is_some());
        let valid = if has_valid {
            Some(Part::from_files(require(folder, "t10k-images-idx3")?, require(folder, "t10k-labels-idx1")?)?)
        } else {
            None
        };
        Self::new(train, valid)
    }

    /// The classes that the labels count, such as the digits: from 0 to the highest label.
    pub(super) fn classes(&self) -> Vec<String> {
        let highest = self.train.classes.last().copied().unwrap_or_default();
        (0..=highest).map(|class| class.to_string()).collect()
    }
}

/// Whether `folder` has MNIST's files: at least the training images or their labels.
pub(super) fn is_there(folder: &Path) -> bool {
    ["train-images-idx3", "train-labels-idx1"].iter().any(|stem| find(folder, stem).is_some())
}

/// Finds the file of this name, spelt `…-images-idx3-ubyte` or `…-images.idx3-ubyte`, with or without `.gz`. A FIFO or the like
/// is returned only if there is no regular file; it is rejected when it is to be opened.
fn find(folder: &Path, stem: &str) -> Option<PathBuf> {
    let dotted = stem.replace("-idx", ".idx");
    let names = [stem, &dotted].map(|stem| [format!("{stem}-ubyte"), format!("{stem}-ubyte.gz")]);
    let paths = names.concat().into_iter().map(|name| folder.join(name));
    let (mut files, mut others) = (paths.clone(), paths);
    files.find(|path| path.is_file()).or_else(|| others.find(|path| path.exists() && !path.is_dir()))
}

fn require(folder: &Path, stem: &str) -> Result<PathBuf, DataError> {
    find(folder, stem)
        .ok_or_else(|| DataError::MissingIdx { folder: folder.to_owned(), expected: format!("{stem}-ubyte") })
}

impl Part {
    fn from_files(images: PathBuf, labels: PathBuf) -> Result<Self, DataError> {
        let open = |file: &Path| {
            refuse_special(file)?;
            match File::open(file) {
                Ok(source) => Ok(BufReader::new(source)),
                Err(cause) => Err(DataError::Read { file: file.to_owned(), cause }),
            }
        };
        let (image_source, label_source) = (open(&images)?, open(&labels)?);
        Self::read((images, image_source), (labels, label_source))
    }

    /// Reads images and their labels from two sources, each with its name for errors.
    pub(super) fn read(
        (images, image_source): (PathBuf, impl BufRead),
        (labels, label_source): (PathBuf, impl BufRead),
    ) -> Result<Self, DataError> {
        let pixels = read(&images, image_source, "images", 3)?;
        let classes = read(&labels, label_source, "labels", 1)?;
        let (image_count, label_count) = (pixels.shape[0], classes.bytes.len()); // `pixels` has three dimensions
        if image_count != label_count {
            return Err(DataError::IdxCounts { images, image_count, labels, label_count });
        }
        // Each of them fits, since it was four bytes in the header.
        let [height, width] = [1, 2].map(|dim| u32::try_from(pixels.shape[dim]).unwrap_or(u32::MAX));
        let n = i64::try_from(image_count).unwrap_or(i64::MAX);
        let shape = [n, 1, i64::from(height), i64::from(width)];
        let set = ImageDataset::new(
            Tensor::f_from_data_size(&pixels.bytes, &shape, Kind::Uint8)?,
            Tensor::f_from_slice(&classes.bytes)?.f_to_kind(Kind::Int64)?,
        )?;
        Ok(Self { set, images, labels, size: (width, height), classes: classes.bytes.into_iter().collect() })
    }
}

/// Reads a file of bytes in `dims` dimensions, to its end.
fn read(file: &Path, mut source: impl BufRead, what: &'static str, dims: u8) -> Result<Idx, DataError> {
    let failed = |cause| DataError::Read { file: file.to_owned(), cause };
    if source.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]) {
        parse(file, MultiGzDecoder::new(source), what, dims)
    } else {
        parse(file, source, what, dims)
    }
}

fn parse(file: &Path, mut source: impl Read, what: &'static str, dims: u8) -> Result<Idx, DataError> {
    let failed = |cause| DataError::Read { file: file.to_owned(), cause };
    let truncated = |expected, found| DataError::IdxTruncated { file: file.to_owned(), expected, found };

    let header_size = 4 + 4 * u64::from(dims);
    let mut header = Vec::new();
    up_to(&mut source, header_size, &mut header).map_err(failed)?;
    let mut words = header.chunks_exact(4).map(|word| word.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)));
    let expected = 0x0800 | u32::from(dims);
    match words.next() {
        Some(found) if found != expected => {
            return Err(DataError::IdxMagic { file: file.to_owned(), what, expected, found });
        }
        _ if size(&header) < header_size => return Err(truncated(header_size, size(&header))),
        _ => {}
    }
    let shape: Vec<u32> = words.collect();
    if shape.contains(&0) {
        let shape = shape.iter().map(u32::to_string).collect::<Vec<_>>().join("×");
        return Err(DataError::IdxEmpty { file: file.to_owned(), shape });
    }
    let body_size = shape.iter().fold(1_u64, |size, &n| size.saturating_mul(u64::from(n)));
    let whole = header_size.saturating_add(body_size);

    let mut bytes = Vec::new();
    up_to(&mut source, body_size, &mut bytes).map_err(failed)?;
    if size(&bytes) < body_size {
        return Err(truncated(whole, header_size + size(&bytes)));
    }
    // Reading on also makes the decompressor check its checksum.
    let more = io::copy(&mut source, &mut io::sink()).map_err(failed)?;
    if more > 0 {
        return Err(DataError::IdxTrailing { file: file.to_owned(), expected: whole, found: whole + more });
    }
    Ok(Idx { shape: shape.into_iter().map(|n| usize::try_from(n).unwrap_or(usize::MAX)).collect(), bytes })
}

/// Reads at most `limit` bytes. A compressed file that is cut off is treated as one that ends there.
fn up_to(source: &mut impl Read, limit: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    match source.take(limit).read_to_end(bytes) {
        Err(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => Err(cause),
        _ => Ok(()),
    }
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
