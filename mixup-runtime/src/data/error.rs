//! The errors of data, each with its file and its numbers.

use std::{
    error::Error,
    fmt::{self, Write as _},
    io,
    path::PathBuf,
};

use tch::TchError;

use super::{array_file::ArrayFault, splits::thousands};
use crate::{batch::TargetError, error::Refusal, transforms::TransformError};

/// Why data could not be opened, or a batch could not be made.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The batch size is 0.
    #[error("the batch size is 0, but a batch needs at least one item")]
    BatchSize,
    /// There are no items to train with, or none to validate or to test with.
    #[error("the {part} data has no items")]
    Empty {
        /// "training", "validation" or "test".
        part: &'static str,
    },
    /// There is less than one whole batch, and `drop_last` would drop it.
    #[error(
        "{items} training items do not fill a batch of {batch_size}, and `drop_last` drops the rest: take a smaller \
         batch size, or keep the last batch"
    )]
    NoBatch {
        /// How many items there are.
        items: usize,
        /// The batch size.
        batch_size: usize,
    },
    /// The training or the validation data has no targets.
    #[error("the {part} data has no targets: only a test part, or a `Loader` for predictions, may be without")]
    NoTargets {
        /// "training" or "validation".
        part: &'static str,
    },
    /// An index is out of range.
    #[error("item {index} was asked for, but the data has {items}, counted from 0")]
    Index {
        /// The item.
        index: usize,
        /// How many there are.
        items: usize,
    },
    /// The number of a batch is out of range.
    #[error("batch {batch} was asked for, but an epoch has {batches}, counted from 0")]
    BatchIndex {
        /// The batch.
        batch: usize,
        /// How many batches an epoch has.
        batches: usize,
    },
    /// A sampler chose an index that is out of range.
    #[error("the sampler `{sampler}` chose item {index}, but the data has {items}, counted from 0")]
    SampledIndex {
        /// The sampler.
        sampler: String,
        /// The item.
        index: usize,
        /// How many there are.
        items: usize,
    },
    /// A sampler chose too few items for one batch.
    #[error("the sampler `{sampler}` chose too few items for one batch, so there is nothing to train with")]
    EmptyOrder {
        /// The sampler.
        sampler: String,
    },
    /// The number of a shard is out of range.
    #[error("there is no shard {rank} of {of}: shards are counted from 0, and there must be at least one")]
    Shard {
        /// The shard.
        rank: usize,
        /// How many there are.
        of: usize,
    },
    /// A weight is negative or not a finite number.
    #[error("item {index} has the weight {weight}: weights, and their sum, must be finite numbers of at least 0")]
    Weight {
        /// The item.
        index: usize,
        /// The weight.
        weight: f64,
    },
    /// All weights are 0.
    #[error("no weight is above 0, so no item could be drawn")]
    NoWeight,
    /// The number of weights is not the number of items.
    #[error("there are {weights} weights for {items} items: each item needs one")]
    Weights {
        /// How many weights there are.
        weights: usize,
        /// How many items there are.
        items: usize,
    },
    /// `batches_per_epoch` is 0.
    #[error("`batches_per_epoch` is 0, but an epoch needs at least one batch")]
    BatchesPerEpoch,
    /// Something was asked of a stream that only data with a length has.
    #[error("a stream has no {what}: its batches come one after another, each once")]
    Stream {
        /// What a stream does not have: "order", "batch by number", "sample".
        what: &'static str,
    },
    /// A stream ended before the first batch of an epoch.
    #[error("the stream ended before the first batch of the epoch: the call after its end must begin it anew")]
    StreamEnded,
    /// The number of numbers does not fit the shape.
    #[error("{found} numbers do not have the shape {shape:?}")]
    ArrayLength {
        /// The shape.
        shape: Vec<usize>,
        /// How many numbers there are.
        found: usize,
    },
    /// The items of a batch have different shapes or kinds.
    #[error(
        "the {what} of {item} is {found}, but that of the first item in its batch is {expected}: all items of a batch must \
         be alike"
    )]
    Unlike {
        /// "input" or "label".
        what: &'static str,
        /// The item: "item 17", or its file.
        item: String,
        /// The kind and shape of the first item: "floats of [3, 28, 28]".
        expected: String,
        /// The kind and shape of this item.
        found: String,
    },
    /// An item's own code panicked.
    #[error("{item} panicked: {message}")]
    Panicked {
        /// The item: "item 17", or its file.
        item: String,
        /// The text of the panic.
        message: String,
    },
    /// The threads that gather batches can't be started.
    #[error("the threads of `workers` can't be started: {cause}")]
    Threads {
        /// The error of the system.
        cause: io::Error,
    },
    /// Input and target have different numbers of items.
    #[error("the input has {input} items and the target {target}, but each item needs both")]
    Lengths {
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// Several inputs have different numbers of items.
    #[error("input {position} has {found} items, but input 0 has {expected}: each item needs all of them")]
    Inputs {
        /// Which input, counted from 0.
        position: usize,
        /// How many items input 0 has.
        expected: usize,
        /// How many items this input has.
        found: usize,
    },
    /// A tensor has no first dimension, which counts the items, or there is no tensor.
    #[error("the {what} has no first dimension: it must be at least one tensor `[n, …]`, with n items")]
    NoItemDimension {
        /// "input" or "target".
        what: &'static str,
    },
    /// A batch that `MixUp` has mixed was given as data.
    #[error("the {what} is already mixed, but a data set holds single items: give plain tensors")]
    Mixed {
        /// "input" or "target".
        what: &'static str,
    },
    /// A data set returned another number of items than it was asked for.
    #[error("the data set was asked for {asked} items, but returned an input of {input} and a target of {target}")]
    WrongBatch {
        /// How many items were asked for.
        asked: usize,
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// A prepared batch is empty, or its parts do not fit each other.
    #[error("{part} batch {batch}, counted from 0, has an input of {input} items and a target of {target}")]
    PreparedBatch {
        /// "training" or "validation".
        part: &'static str,
        /// Which batch.
        batch: usize,
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// A tensor does not have the kind or shape of images or labels.
    #[error("{what} must be {expected}, but are {found}")]
    Layout {
        /// "images" or "labels".
        what: &'static str,
        /// The kind and shape that they must have.
        expected: &'static str,
        /// The kind and shape that they have.
        found: String,
    },
    /// The path does not exist.
    #[error("there is nothing at {path}")]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The path is a file, but must be a folder.
    #[error("{path} is a file, but a folder was expected; `ImageData::from_archive` takes archives")]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The path is a folder, but must be an archive.
    #[error("{path} is a folder, but an archive was expected; `ImageData::from_folder` takes folders")]
    NotAnArchive {
        /// The path.
        path: PathBuf,
    },
    /// The path is a FIFO, a socket or a device, but must be a file or a folder: reading it could wait forever or never end.
    #[error("{path} is {kind}, but only regular files and folders are read: replace it with one of them, or remove it")]
    SpecialFile {
        /// The path.
        path: PathBuf,
        /// "a FIFO", "a socket" or "a device".
        kind: &'static str,
    },
    /// The file or folder has none of the known layouts.
    #[error(
        "{path} is not image data: neither a folder with `train/<class>`, nor one with `train-images-idx3-ubyte`, nor an \
         archive (.tgz, .tar.gz, .tar or .zip)"
    )]
    Unrecognised {
        /// The path.
        path: PathBuf,
    },
    /// A folder of images, or an archive of one, has no `train`.
    #[error(
        "there is no folder {folder}: images belong in `train/<class>`, those for validation in `valid/<class>`; or in two or more \
         folders `<class>`, where `split` divides them"
    )]
    MissingFolder {
        /// The folder that should be there.
        folder: PathBuf,
    },
    /// An archive holds several data sets.
    #[error("{file} holds several data sets: {}; unpack it and open one of them", tops.join(", "))]
    SeveralTrainFolders {
        /// The archive.
        file: PathBuf,
        /// The folders that each have a `train`.
        tops: Vec<String>,
    },
    /// `train` or `valid` has no folder for a class.
    #[error("{folder} has no folder for any class: images belong in {folder}/<class>")]
    NoClasses {
        /// The folder.
        folder: PathBuf,
    },
    /// A class has no images.
    #[error("the class {folder} is empty: there is no file that ends in .png, .jpg, .jpeg, .webp, .bmp or .gif")]
    EmptyClass {
        /// The folder of the class.
        folder: PathBuf,
    },
    /// A class of the validation data is not in the training data.
    #[error("the class `{class}` is in {place}, but not in the training data, so no model can learn it")]
    UnknownClass {
        /// The class.
        class: String,
        /// The folder or the file of the validation data.
        place: PathBuf,
    },
    /// An image is broken.
    #[error("{file} is not a readable image (PNG, JPEG, WebP, BMP or GIF): {cause}")]
    Image {
        /// The image.
        file: PathBuf,
        /// The error of the decoder.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// Several images can't be read.
    #[error("{}", unreadable(errors))]
    Images {
        /// What is wrong with each, in the order of the data.
        errors: Vec<DataError>,
    },
    /// An image can't be transformed.
    #[error("{file}: {cause}")]
    Transform {
        /// The image.
        file: PathBuf,
        /// The error of the transform.
        cause: TransformError,
    },
    /// A transform, or the normalization, can't be used.
    #[error(transparent)]
    Setting(#[from] TransformError),
    /// Images that do not have one class each can't be balanced.
    #[error("`balanced` needs one class for each image, but these have several, or numbers")]
    Unbalanced,
    /// A batch that should be drawn has no pictures.
    #[error("only pictures `[n, c, h, w]` with 1 or 3 channels can be drawn, but the input is {found:?}")]
    NoPictures {
        /// The shape of the input.
        found: Vec<i64>,
    },
    /// A file can't be written.
    #[error("{file} can't be written: {cause}; {}", crate::files::advice(cause))]
    Write {
        /// The file.
        file: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A folder and the folders below it have no images.
    #[error("there is no image in {folder}, nor below it: no file ends in .png, .jpg, .jpeg, .webp, .bmp or .gif")]
    NoImages {
        /// The folder.
        folder: PathBuf,
    },
    /// The names of some files do not tell their classes.
    #[error("the name of {file} does not tell its class{}", others(files.len()))]
    NoLabel {
        /// The first of the files.
        file: PathBuf,
        /// All of them.
        files: Vec<PathBuf>,
    },
    /// A pattern for names can't be used.
    #[error("the pattern `{pattern}` can't be used: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why not.
        reason: String,
    },
    /// A CSV file has no such column.
    #[error("{file} has no column `{column}`: it has {}", quoted(columns))]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The column that was asked for.
        column: String,
        /// The columns that it has.
        columns: Vec<String>,
    },
    /// A CSV file has no rows.
    #[error("{file} has no row below its header, so there are no images")]
    EmptyCsv {
        /// The file.
        file: PathBuf,
    },
    /// A row of a CSV file can't be used.
    #[error("{file}, line {line}: {reason}")]
    Csv {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The images can't be divided into those for training and those for validation.
    #[error("the images can't be split: {reason}")]
    Split {
        /// Why not.
        reason: String,
    },
    /// The images have several sizes.
    #[error(
        "images of one size are needed, but these have {}: `.items(Resize::new(224).crop())` gives them one",
        several(sizes)
    )]
    Sizes {
        /// Each size, the most frequent first.
        sizes: Vec<ImageSize>,
    },
    /// There is not enough memory for the images.
    #[error(
        "there is no memory for {} images of {shape}, {} MB: make them smaller with \
         `items(Resize::new(…))`, or let `memory` decode them when they are needed",
        thousands(*images),
        thousands(bytes / 1_000_000)
    )]
    NoMemory {
        /// How many images there are.
        images: usize,
        /// The shape of each: `3×224×224`.
        shape: String,
        /// How many bytes they need.
        bytes: usize,
        /// Any error from libtorch.
        cause: TchError,
    },
    /// A file, or an entry of an archive, could not be read.
    #[error("{file} cannot be read: {cause}")]
    Read {
        /// The file; within an archive, its path there after the archive's own.
        file: PathBuf,
        /// The error of the system or the decompressor.
        cause: io::Error,
    },
    /// An entry of an archive ends too early.
    #[error("{file} is cut off: {found} of its {expected} bytes are there")]
    Truncated {
        /// The entry.
        file: PathBuf,
        /// How many bytes it should have.
        expected: u64,
        /// How many bytes there are.
        found: u64,
    },
    /// A file, or an entry of an archive, is too big for an image.
    #[error("{file} has {found} bytes, but no image may have more than {limit}")]
    TooBig {
        /// The file; within an archive, its path there after the archive's own.
        file: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// An IDX file is missing.
    #[error("{folder} has no {expected} (nor with a dot for the hyphen, nor with .gz)")]
    MissingIdx {
        /// Where the file should be.
        folder: PathBuf,
        /// The name of the file.
        expected: String,
    },
    /// A file is not an IDX file, or not of the right kind.
    #[error("{file} begins with {found:#010x}, but an IDX file of {what} begins with {expected:#010x}")]
    IdxMagic {
        /// The file.
        file: PathBuf,
        /// "images" or "labels".
        what: &'static str,
        /// The first four bytes that it should have: bytes, and the number of dimensions.
        expected: u32,
        /// The first four bytes that it has.
        found: u32,
    },
    /// An IDX file is shorter than its header says.
    #[error("{file} is cut off: its header asks for {expected} bytes in all, but there are {found}")]
    IdxTruncated {
        /// The file.
        file: PathBuf,
        /// How many bytes it should have, unpacked.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// An IDX file is longer than its header says.
    #[error("{file} goes on after its end: its header asks for {expected} bytes in all, but there are {found}")]
    IdxTrailing {
        /// The file.
        file: PathBuf,
        /// How many bytes it should have, unpacked.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// The header of an IDX file has a dimension of 0.
    #[error("{file} is empty: its header says {shape}")]
    IdxEmpty {
        /// The file.
        file: PathBuf,
        /// The dimensions in the header: `0×28×28`.
        shape: String,
    },
    /// The numbers of images and labels differ.
    #[error("{images} has {image_count} images, but {labels} has {label_count} labels: each image needs one")]
    IdxCounts {
        /// The file of the images.
        images: PathBuf,
        /// How many there are.
        image_count: usize,
        /// The file of the labels.
        labels: PathBuf,
        /// How many there are.
        label_count: usize,
    },
    /// A file of an array can't be used.
    #[error("{file}: {fault}")]
    ArrayFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: ArrayFault,
    },
    /// Any error from libtorch.
    #[error("{}", crate::error::brief(.0))]
    Tch(#[from] TchError),
    /// Targets do not fit each other.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// libtorch rejects the input of a function of `tch` that panics then.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// An error of your own data set; see [`DataError::other`].
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

crate::error::debug_with_sources!(DataError);

impl DataError {
    /// Wraps an error or a message of your own data set.
    ///
    /// ```
    /// use mixup::data::DataError;
    ///
    /// let error = DataError::other("row 3 has no label");
    /// assert_eq!(error.to_string(), "row 3 has no label");
    /// ```
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

/// One of several sizes of images, although all should have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSize {
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// How many images have this size.
    pub images: usize,
    /// The first of these images.
    pub first: PathBuf,
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.images == 1 { "image" } else { "images" };
        let count = thousands(self.images);
        write!(f, "{}×{} ({count} {noun}, first {})", self.width, self.height, self.first.display())
    }
}

/// The first three sizes in words, and how many more there are.
fn several(sizes: &[ImageSize]) -> String {
    let named = sizes.iter().take(3).map(ImageSize::to_string).collect::<Vec<_>>().join(", ");
    match sizes.len().saturating_sub(3) {
        0 => format!("{named} (width×height)"),
        more => format!("{named} and {more} more (width×height)"),
    }
}

/// What is wrong with several images, a line for each of the first twenty.
fn unreadable(errors: &[DataError]) -> String {
    let mut text = format!("{} images can't be read; `skip_bad(true)` leaves them out:", thousands(errors.len()));
    for error in errors.iter().take(20) {
        let _ = write!(text, "\n  {error}"); // a text takes everything
    }
    match errors.len().saturating_sub(20) {
        0 => text,
        more => text + &format!("\n  and {} more", thousands(more)),
    }
}

/// ", nor do those of 3 others", or nothing if there is only one.
fn others(files: usize) -> String {
    match files.saturating_sub(1) {
        0 => String::new(),
        1 => ", nor does that of 1 other".to_owned(),
        more => format!(", nor do those of {} others", thousands(more)),
    }
}

/// Names in quotes: "`a`, `b`".
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
