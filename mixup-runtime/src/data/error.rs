//! What can be wrong with data: each case with its file and its numbers.

use std::{error::Error, fmt, io, path::PathBuf};

use tch::TchError;

use super::splits::thousands;

/// Why data could not be opened, or a batch not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A batch of no items was asked for.
    #[error("the batch size is 0, but a batch needs at least one item")]
    BatchSize,
    /// There is nothing to train with, or nothing to validate with.
    #[error("the {part} data has no items")]
    Empty {
        /// «training» or «validation».
        part: &'static str,
    },
    /// All that there is would be dropped.
    #[error(
        "{items} training items give no whole batch of {batch_size}, and `drop_last` drops the rest: take a smaller \
         batch size, or keep the last batch"
    )]
    NoBatch {
        /// How many items there are.
        items: usize,
        /// How many a batch takes.
        batch_size: usize,
    },
    /// An item that is not there.
    #[error("item {index} was asked for, but the data has {items}, counted from 0")]
    Index {
        /// The item.
        index: usize,
        /// How many there are.
        items: usize,
    },
    /// A batch that is not there.
    #[error("batch {batch} was asked for, but an epoch has {batches}, counted from 0")]
    BatchIndex {
        /// The batch.
        batch: usize,
        /// How many an epoch has.
        batches: usize,
    },
    /// A sampler that chose an item that is not there.
    #[error("the sampler `{sampler}` chose item {index}, but the data has {items}, counted from 0")]
    SampledIndex {
        /// The sampler.
        sampler: String,
        /// The item.
        index: usize,
        /// How many there are.
        items: usize,
    },
    /// A sampler that leaves nothing to train with.
    #[error("the sampler `{sampler}` chose too few items for one batch, so there is nothing to train with")]
    EmptyOrder {
        /// The sampler.
        sampler: String,
    },
    /// A shard that is not there.
    #[error("there is no shard {rank} of {of}: shards are counted from 0, and there must be at least one")]
    Shard {
        /// The shard.
        rank: usize,
        /// How many there are.
        of: usize,
    },
    /// A weight that no item can have.
    #[error("item {index} has the weight {weight}: weights, and their sum, must be finite numbers of at least 0")]
    Weight {
        /// The item.
        index: usize,
        /// Its weight.
        weight: f64,
    },
    /// Weights with which no item is ever drawn.
    #[error("no weight is above 0, so no item could be drawn")]
    NoWeight,
    /// As many weights as other data have items.
    #[error("there are {weights} weights for {items} items: each item needs one")]
    Weights {
        /// How many weights.
        weights: usize,
        /// How many items.
        items: usize,
    },
    /// An epoch of no batches was asked for.
    #[error("`batches_per_epoch` is 0, but an epoch needs at least one batch")]
    BatchesPerEpoch,
    /// Something that data without a length don't have.
    #[error("a stream has no {what}: its batches come one after another, each once")]
    Stream {
        /// What it does not have: «order», «batch by number», «sample».
        what: &'static str,
    },
    /// A stream that ended before the first batch of an epoch.
    #[error("the stream ended before the first batch of the epoch: the call after its end must begin it anew")]
    StreamEnded,
    /// Numbers that do not fill their shape, or do not fit into it.
    #[error("{found} numbers do not have the shape {shape:?}")]
    ArrayLength {
        /// The shape.
        shape: Vec<usize>,
        /// How many numbers there are.
        found: usize,
    },
    /// Items of different shapes or kinds in one batch.
    #[error(
        "the {what} of item {index} is {found}, but that of the first item in its batch is {expected}: all items of a batch must \
         be alike"
    )]
    Unlike {
        /// «input» or «label».
        what: &'static str,
        /// The item.
        index: usize,
        /// What the first item has: «floats of [3, 28, 28]».
        expected: String,
        /// What this one has.
        found: String,
    },
    /// Inputs and targets, or several inputs, of different lengths.
    #[error("the input has {input} items and the target {target}, but each item needs both")]
    Lengths {
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// Several inputs of different lengths.
    #[error("input {position} has {found} items, but input 0 has {expected}: each item needs all of them")]
    Inputs {
        /// Which input, counted from 0.
        position: usize,
        /// How many items the first has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
    /// A tensor that has no first dimension to count items by, or no tensor at all.
    #[error("the {what} has no first dimension: it must be at least one tensor `[n, …]`, with n items")]
    NoItemDimension {
        /// «input» or «target».
        what: &'static str,
    },
    /// What `MixUp` made of a batch, given as data.
    #[error("the {what} is already mixed, but a data set holds single items: give plain tensors")]
    Mixed {
        /// «input» or «target».
        what: &'static str,
    },
    /// A data set that returned something else than what it was asked for.
    #[error("the data set was asked for {asked} items, but returned an input of {input} and a target of {target}")]
    WrongBatch {
        /// How many items were asked for.
        asked: usize,
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// A prepared batch that is empty, or whose parts do not fit each other.
    #[error("{part} batch {batch}, counted from 0, has an input of {input} items and a target of {target}")]
    PreparedBatch {
        /// «training» or «validation».
        part: &'static str,
        /// Which batch.
        batch: usize,
        /// Items of the input.
        input: usize,
        /// Items of the target.
        target: usize,
    },
    /// Tensors of another kind or shape than images have.
    #[error("{what} must be {expected}, but are {found}")]
    Layout {
        /// «images» or «labels».
        what: &'static str,
        /// The kind and shape that they must have.
        expected: &'static str,
        /// What they have.
        found: String,
    },
    /// A path at which there is nothing.
    #[error("there is nothing at {path}")]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A file where a folder should be.
    #[error("{path} is a file, but a folder was expected; `ImageData::from_archive` takes archives")]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A folder where an archive should be.
    #[error("{path} is a folder, but an archive was expected; `ImageData::from_folder` takes folders")]
    NotAnArchive {
        /// The path.
        path: PathBuf,
    },
    /// A FIFO, a socket or a device where a file or a folder should be: reading it could wait forever or never end.
    #[error("{path} is {kind}, but only regular files and folders are read: replace it with one of them, or remove it")]
    SpecialFile {
        /// The path.
        path: PathBuf,
        /// «a FIFO», «a socket» or «a device».
        kind: &'static str,
    },
    /// A file or folder that is none of the layouts known here.
    #[error(
        "{path} is no image data: neither a folder with `train/<class>`, nor one with `train-images-idx3-ubyte`, nor an \
         archive (.tgz, .tar.gz, .tar or .zip)"
    )]
    Unrecognised {
        /// The path.
        path: PathBuf,
    },
    /// A folder of images, or an archive of one, without `train`.
    #[error("there is no folder {folder}: images lie in `train/<class>`, those for validation in `valid/<class>`")]
    MissingFolder {
        /// The folder that should be there.
        folder: PathBuf,
    },
    /// An archive with several data sets.
    #[error("{file} holds several data sets: {}; unpack it and open one of them", tops.join(", "))]
    SeveralTrainFolders {
        /// The archive.
        file: PathBuf,
        /// The folders that each have a `train`.
        tops: Vec<String>,
    },
    /// A `train` or `valid` without any class in it.
    #[error("{folder} has no folder for any class: images lie in {folder}/<class>")]
    NoClasses {
        /// The folder.
        folder: PathBuf,
    },
    /// A class without images.
    #[error("the class {folder} is empty: there is no file that ends in .png, .jpg or .jpeg")]
    EmptyClass {
        /// The folder of the class.
        folder: PathBuf,
    },
    /// A class for validation that training does not know.
    #[error("the class `{class}` is in {place}, but not in the training data, so no model can learn it")]
    UnknownClass {
        /// The class.
        class: String,
        /// The folder or the file of the validation data.
        place: PathBuf,
    },
    /// A broken image.
    #[error("{file} is no readable PNG or JPEG: {cause}")]
    Image {
        /// The image.
        file: PathBuf,
        /// What the decoder says.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// Images of several sizes.
    #[error("images of one size are needed, but these have {}", several(sizes))]
    Sizes {
        /// Each size, the most frequent first.
        sizes: Vec<ImageSize>,
    },
    /// More images than there is memory for.
    #[error(
        "there is no memory for {} images of {shape}, {} MB: take fewer or smaller ones, or read them batch by batch in \
         a `Dataset` of your own",
        thousands(*images),
        thousands(bytes / 1_000_000)
    )]
    NoMemory {
        /// How many images.
        images: usize,
        /// The shape of each: `3×224×224`.
        shape: String,
        /// How many bytes they need.
        bytes: usize,
        /// Any error from libtorch.
        cause: TchError,
    },
    /// A file, or an entry of an archive, that cannot be read.
    #[error("{file} cannot be read: {cause}")]
    Read {
        /// The file; within an archive, its path there behind the archive's own.
        file: PathBuf,
        /// What the system or the decompressor says.
        cause: io::Error,
    },
    /// An archive's entry that ends too early.
    #[error("{file} is cut off: {found} of its {expected} bytes are there")]
    Truncated {
        /// The entry.
        file: PathBuf,
        /// How many bytes it should have.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A file, or an archive's entry, that is too big for an image.
    #[error("{file} has {found} bytes, but no image may have more than {limit}")]
    TooBig {
        /// The file; within an archive, its path there after the archive's own.
        file: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// IDX files that are not there.
    #[error("{folder} has no {expected} (nor with a dot for the hyphen, nor with .gz)")]
    MissingIdx {
        /// Where the file should be.
        folder: PathBuf,
        /// Its name.
        expected: String,
    },
    /// A file that is no IDX file, or not the right one.
    #[error("{file} begins with {found:#010x}, but an IDX file of {what} begins with {expected:#010x}")]
    IdxMagic {
        /// The file.
        file: PathBuf,
        /// «images» or «labels».
        what: &'static str,
        /// The first four bytes that it should have: bytes, and the number of dimensions.
        expected: u32,
        /// Those that it has.
        found: u32,
    },
    /// An IDX file that is shorter than its header says.
    #[error("{file} is cut off: its header asks for {expected} bytes in all, but there are {found}")]
    IdxTruncated {
        /// The file.
        file: PathBuf,
        /// How many bytes it should have, unpacked.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// An IDX file that is longer than its header says.
    #[error("{file} goes on after its end: its header asks for {expected} bytes in all, but there are {found}")]
    IdxTrailing {
        /// The file.
        file: PathBuf,
        /// How many bytes it should have, unpacked.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// An IDX file whose header leaves nothing.
    #[error("{file} is empty: its header says {shape}")]
    IdxEmpty {
        /// The file.
        file: PathBuf,
        /// The dimensions in the header: `0×28×28`.
        shape: String,
    },
    /// Images and labels that do not belong together.
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
    /// Any error from libtorch.
    #[error("{}", crate::error::brief(.0))]
    Tch(#[from] TchError),
    /// What a data set of your own says; see [`DataError::other`].
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl DataError {
    /// Wraps an error, or a sentence, of a data set of your own.
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

/// One of several sizes of images, where all should have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSize {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// How many images have this size.
    pub images: usize,
    /// The first of them.
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
