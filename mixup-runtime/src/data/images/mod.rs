//! Images from folders, archives and IDX files.
//!
//! First the images are found and checked (`folder`, `names`, `table`, `archive`, `idx`, `digits`), then the user chooses the `options`, and
//! only then are images decoded, and either kept or decoded again for each batch (`build`).

mod archive;
mod build;
mod dataset;
mod decode;
mod digits;
mod folder;
mod idx;
mod jpeg;
mod names;
mod options;
mod path;
mod pictures;
mod preparation;
mod split;
mod table;
mod tree;

use std::{fmt, path::Path};

use tch::Device;

pub(super) use self::path::{metadata, refuse_special};
pub(crate) use self::preparation::Preparation;
pub use self::{
    dataset::ImageDataset,
    split::{KFold, NameSplit, RandomSplit, Split},
    table::Columns,
};
use self::{
    decode::Channels,
    idx::Pair,
    tree::{Listing, TRAIN},
};
use super::{
    DataError, Dataset as _,
    splits::{Options, thousands},
};
use crate::transforms::{AnyTransform, Normalize};

/// Builds [`Data`](super::Data) from images that were found in a folder, a table, an archive or IDX files.
///
/// ```no_run
/// use mixup::{data::{ImageData, RandomSplit}, transforms::{Normalize, RandomFlip, RandomResizedCrop, Resize}};
///
/// let data = ImageData::from_folder("photos")?
///     .split(RandomSplit::new(0.2, 42)) // where there is no `valid`
///     .items(Resize::new(256).crop()) // images of any size
///     .augment([RandomFlip::horizontal(), RandomResizedCrop::new(224)])
///     .normalize(Normalize::IMAGENET)
///     .build()?;
/// println!("{data}");
/// # Ok::<(), mixup::data::DataError>(())
/// ```
///
/// Images are PNG, JPEG, WebP, BMP and the first picture of a GIF, of any size and mode. They are turned upright as their EXIF data says; 16 bits
/// become 8, and transparency is dropped. Files with other endings, and names that begin with a dot, are ignored. Classes are numbered in the
/// order of their names, and images are in the order of their paths.
#[must_use = "nothing is decoded before `build`"]
pub struct ImageData {
    source: Source,
    channels: Channels,
    device: Device,
    options: Options,
    split: Option<Box<dyn Split>>,
    items: Vec<AnyTransform>,
    augment: Vec<AnyTransform>,
    normalize: Option<Normalize>,
    skip_bad: bool,
    balanced: bool,
    memory: u64,
}

enum Source {
    /// Files, or entries of an archive, that are not decoded yet.
    Listing(Listing),
    Idx(Box<Pair>),
}

impl ImageData {
    /// Lists the images of a folder, without opening them yet: `train/<class>` and, for validation, `valid/<class>` or `val/<class>`. Without
    /// `train`, the folders in it are the classes, and [`split`](Self::split) divides their images. A class may have folders below it.
    ///
    /// Images in `test` are a part of their own, [`Data::test`](super::Data::test): with classes if they are in `test/<class>`, otherwise without.
    /// `training` and `testing`, as in fastai's MNIST, mean `train` and `test`.
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::NotAFolder`] or [`DataError::MissingFolder`] if there is no such folder, or neither
    /// `train` nor two classes in it, [`DataError::NoClasses`] and [`DataError::EmptyClass`] if a part of it is empty,
    /// [`DataError::UnknownClass`] for a class that is not in the training data, [`DataError::SpecialFile`] for a FIFO, a
    /// socket or a device with the name of an image, [`DataError::Read`] for what could not be read.
    pub fn from_folder(path: impl AsRef<Path>) -> Result<Self, DataError> {
        folder::list(path.as_ref()).map(|listing| Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// Lists the images of a folder and of all folders below it, with the class that `label` reads from each image's path in that folder.
    ///
    /// ```no_run
    /// use mixup::data::ImageData;
    ///
    /// // cats begin with a capital letter
    /// let pets = ImageData::from_name_func("pets", |path| {
    ///     let cat = path.file_name()?.to_str()?.starts_with(char::is_uppercase);
    ///     Some(if cat { "cat" } else { "dog" }.to_owned())
    /// })?;
    /// # let _ = pets;
    /// # Ok::<(), mixup::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::NoImages`] if there are none, [`DataError::NoLabel`] for those for which `label` returns `None`, and those of
    /// [`from_folder`](Self::from_folder) for what can't be read.
    pub fn from_name_func(
        folder: impl AsRef<Path>,
        label: impl Fn(&Path) -> Option<String>,
    ) -> Result<Self, DataError> {
        names::list(folder.as_ref(), label).map(|listing| Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// The same with a regular expression, whose first group is the class: `r"^(.+)_\d+\.jpg$"` finds `great_pyrenees` in
    /// `great_pyrenees_173.jpg`.
    ///
    /// # Errors
    /// As for [`from_name_func`](Self::from_name_func), and [`DataError::Pattern`] if the expression is not one, or has no group.
    pub fn from_name_re(folder: impl AsRef<Path>, pattern: &str) -> Result<Self, DataError> {
        Self::from_name_func(folder, names::by_pattern(pattern)?)
    }

    /// Lists the images that a CSV file names, with one class for each, with several, or with numbers: see [`Columns`].
    ///
    /// # Errors
    /// [`DataError::Csv`], [`DataError::NoColumn`] and [`DataError::EmptyCsv`] for what is wrong with the file. An image that is missing is an error of
    /// [`build`](Self::build).
    #[allow(clippy::needless_pass_by_value, reason = "users write the columns where they are needed")]
    pub fn from_csv(file: impl AsRef<Path>, columns: Columns) -> Result<Self, DataError> {
        table::list(file.as_ref(), &columns).map(|listing| Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// Lists the images of a folder, and of all folders below it, to be predicted: [`loader`](Self::loader) makes their batches.
    ///
    /// # Errors
    /// [`DataError::NoImages`] if there are none, and those of [`from_folder`](Self::from_folder) for what can't be read.
    pub fn unlabelled(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        let train = names::unlabelled(folder.as_ref())?;
        let listing = Listing { classes: Vec::new(), train, valid: None, test: None };
        Ok(Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// Reads the images of a `.tgz`, `.tar.gz`, `.tar` or `.zip`, whatever its name. `train`, `valid` and `test` must be at its top or
    /// in one folder there. Nothing is unpacked to the disk; until `build`, the image files are kept in memory, not yet decoded.
    ///
    /// # Errors
    /// As for [`ImageData::from_folder`], and [`DataError::NotAnArchive`] for a folder, [`DataError::SpecialFile`] for a FIFO, a
    /// socket or a device, [`DataError::Unrecognised`] for a file that is not such an archive,
    /// [`DataError::SeveralTrainFolders`] if the archive holds several data sets, [`DataError::Truncated`] for an entry that is
    /// cut off, and [`DataError::TooBig`] for one that is too big for an image.
    pub fn from_archive(path: impl AsRef<Path>) -> Result<Self, DataError> {
        archive::list(path.as_ref()).map(|listing| Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// Reads the IDX files of a folder, with the names of MNIST and Fashion-MNIST: `train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte`, and for validation `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`. The last hyphen but
    /// one may be a dot, and the files may end in `.gz`. The images are grey unless [`ImageData::rgb`] is called.
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::NotAFolder`] and [`DataError::MissingIdx`] for what is missing,
    /// [`DataError::SpecialFile`] for a FIFO, a socket or a device with the name of such a file,
    /// [`DataError::IdxMagic`], [`DataError::IdxTruncated`], [`DataError::IdxTrailing`] and [`DataError::IdxEmpty`] for a
    /// broken file, [`DataError::IdxCounts`] if images and labels differ in number, [`DataError::Sizes`] and
    /// [`DataError::UnknownClass`] if the validation images have another size or other classes than the training images.
    pub fn from_idx(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        Pair::from_folder(folder.as_ref()).map(|pair| Self::new(Source::Idx(Box::new(pair)), Channels::Grey))
    }

    /// Opens whatever is at `path`: a folder of images, a folder of IDX files, or an archive.
    ///
    /// # Errors
    /// [`DataError::Unrecognised`] if it is none of them, and the errors of the function that fits.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        if !path::metadata(path)?.is_dir() {
            Self::from_archive(path)
        } else if !TRAIN.iter().any(|name| path.join(name).is_dir()) && idx::is_there(path) {
            Self::from_idx(path)
        } else {
            Self::from_folder(path).map_err(|error| match error {
                DataError::MissingFolder { .. } => DataError::Unrecognised { path: path.to_owned() },
                other => other,
            })
        }
    }

    /// The digits that come with the library: 1,437 for training and 360 for validation, of 1×8×8, in 10 classes.
    ///
    /// They are the test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak, UCI Machine
    /// Learning Repository, <https://doi.org/10.24432/C50P49>, CC BY 4.0.
    ///
    /// ```
    /// use mixup::data::{DataError, ImageData};
    ///
    /// let data = ImageData::digits()?.build()?;
    /// assert_eq!(data.to_string(), "1,437 training and 360 validation images of 1×8×8 in 10 classes");
    /// # Ok::<(), DataError>(())
    /// ```
    ///
    /// # Errors
    /// Any error from libtorch, for example if there is no memory left.
    pub fn digits() -> Result<Self, DataError> {
        digits::read().map(|pair| Self::new(Source::Idx(Box::new(pair)), Channels::Grey))
    }

    fn new(source: Source, channels: Channels) -> Self {
        Self {
            source,
            channels,
            device: Device::Cpu,
            options: Options { workers: cores().min(16), ..Options::default() },
            split: None,
            items: Vec::new(),
            augment: Vec::new(),
            normalize: None,
            skip_bad: false,
            balanced: false,
            memory: 1 << 30,
        }
    }
}

/// How many threads run at the same time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl fmt::Debug for ImageData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (train, valid) = match &self.source {
            Source::Listing(listing) => (listing.train.len(), listing.valid.as_ref().map(Vec::len)),
            Source::Idx(pair) => (pair.train.set.len(), pair.valid.as_ref().map(|part| part.set.len())),
        };
        f.debug_struct("ImageData")
            .field("train", &format_args!("{} images", thousands(train)))
            .field("valid", &format_args!("{} images", thousands(valid.unwrap_or_default())))
            .field("channels", &self.channels)
            .field("device", &self.device)
            .field("items", &self.items)
            .field("augment", &self.augment)
            .field("normalize", &self.normalize)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
