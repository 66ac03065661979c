//! Images from folders, archives and IDX files.
//!
//! What is there is found and checked first (`folder`, `archive`, `idx`, `digits`); how it is wanted is chosen next; only
//! then images are decoded (`decode`).

mod archive;
mod dataset;
mod decode;
mod digits;
mod folder;
mod idx;
mod jpeg;
mod path;
mod tree;

use std::{fmt, path::Path};

use tch::{Device, Tensor};

pub use self::dataset::ImageDataset;
use self::{
    decode::Channels,
    idx::Pair,
    tree::{Image, Listing, TRAIN},
};
use super::{
    Data, DataBuilder, DataError, Dataset, Sampler, Sampling,
    splits::{Options, Train, thousands},
};

/// Images that were found, and the choices on the way to [`Data`].
///
/// ```no_run
/// use mixup::data::{DataError, ImageData};
///
/// let data = ImageData::from_folder("mnist_sample")?.batch_size(64).build()?;
/// println!("{data}"); // 12,396 training and 2,038 validation images of 3×28×28 in 2 classes
/// # Ok::<(), DataError>(())
/// ```
///
/// A folder or an archive has `train/<class>` and, for validation, `valid/<class>` (or `val/<class>`), with PNG and JPEG
/// images, in folders below the class too. Classes are numbered in the order of their names, images come in the order of
/// their paths. Other files, and names that begin with a dot, are ignored. All images must have the same size.
#[must_use = "nothing is decoded before `build`"]
pub struct ImageData {
    source: Source,
    channels: Channels,
    device: Device,
    options: Options,
}

enum Source {
    /// Files, or the entries of an archive, still to be decoded.
    Listing(Listing),
    Idx(Pair),
}

impl ImageData {
    /// The images of a folder, listed but not opened yet.
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::NotAFolder`] or [`DataError::MissingFolder`] where there is no such folder or
    /// no `train` in it, [`DataError::NoClasses`] and [`DataError::EmptyClass`] where a part of it is empty,
    /// [`DataError::UnknownClass`] for a class that is for validation only, [`DataError::SpecialFile`] for a FIFO, a socket or
    /// a device with the name of an image, [`DataError::Read`] for what cannot be read.
    pub fn from_folder(path: impl AsRef<Path>) -> Result<Self, DataError> {
        folder::list(path.as_ref()).map(|listing| Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// The images of a `.tgz`, `.tar.gz`, `.tar` or `.zip`, whatever its name: `train` and `valid` at its top, or in one
    /// folder there. Nothing is unpacked to the disk; the files are kept in memory, as they are packed, until `build`.
    ///
    /// # Errors
    /// As of [`ImageData::from_folder`], and [`DataError::NotAnArchive`] for a folder, [`DataError::SpecialFile`] for a FIFO, a
    /// socket or a device, [`DataError::Unrecognised`] for a file that is no such archive,
    /// [`DataError::SeveralTrainFolders`] where it is not clear which data are meant, [`DataError::Truncated`] and
    /// [`DataError::TooBig`] for an entry that is cut off or no image could need.
    pub fn from_archive(path: impl AsRef<Path>) -> Result<Self, DataError> {
        archive::list(path.as_ref()).map(|listing| Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// The IDX files of a folder, with the names of MNIST and Fashion-MNIST: `train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte`, and for validation `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`; with a dot
    /// for the last hyphen but one, or with `.gz`, as well. They are grey unless [`ImageData::rgb`] is asked for.
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::NotAFolder`] and [`DataError::MissingIdx`] for what is not there,
    /// [`DataError::SpecialFile`] for a FIFO, a socket or a device with the name of such a file,
    /// [`DataError::IdxMagic`], [`DataError::IdxTruncated`], [`DataError::IdxTrailing`] and [`DataError::IdxEmpty`] for a
    /// broken file, [`DataError::IdxCounts`] where images and labels differ in number, [`DataError::Sizes`] and
    /// [`DataError::UnknownClass`] where the images for validation are others than those for training.
    pub fn from_idx(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        Pair::from_folder(folder.as_ref()).map(|pair| Self::new(Source::Idx(pair), Channels::Grey))
    }

    /// Whatever lies at `path`: a folder of images, a folder of IDX files, or an archive.
    ///
    /// # Errors
    /// [`DataError::Unrecognised`] where it is none of them, and as of the function that fits.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        if !path::metadata(path)?.is_dir() {
            Self::from_archive(path)
        } else if path.join(TRAIN).is_dir() {
            Self::from_folder(path)
        } else if idx::is_there(path) {
            Self::from_idx(path)
        } else {
            Err(DataError::Unrecognised { path: path.to_owned() })
        }
    }

    /// The digits that come with the library: 1,437 to train with and 360 to validate with, of 1×8×8, in 10 classes.
    ///
    /// They are the test set of «Optical Recognition of Handwritten Digits» by E. Alpaydin and C. Kaynak, UCI Machine
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
    /// What libtorch says when there is no memory left.
    pub fn digits() -> Result<Self, DataError> {
        digits::read().map(|pair| Self::new(Source::Idx(pair), Channels::Grey))
    }

    fn new(source: Source, channels: Channels) -> Self {
        Self { source, channels, device: Device::Cpu, options: Options::default() }
    }

    /// One number for each pixel. Colour becomes grey by the luma of ITU-R BT.709; transparency is dropped.
    pub fn grey(mut self) -> Self {
        self.channels = Channels::Grey;
        self
    }

    /// Three numbers for each pixel, red, green and blue; grey images get three equal ones. Transparency is dropped. This
    /// is the default for folders and archives.
    pub fn rgb(mut self) -> Self {
        self.channels = Channels::Rgb;
        self
    }

    /// Where the pixels are kept, as bytes, and batches gathered: in main memory unless told. Small data sets may lie on
    /// the GPU as a whole, then no batch has to be carried there.
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// How many images a batch has: 64 unless told, as in fastai.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = batch_size;
        self
    }

    /// How many images a batch for validation has: as many as in training unless told.
    pub fn valid_batch_size(mut self, batch_size: usize) -> Self {
        self.options.valid_batch_size = Some(batch_size);
        self
    }

    /// Whether the training images come in a new order in each epoch: yes unless told.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = shuffle;
        self
    }

    /// Which training images an epoch has, in which order: [`Shuffled`](super::Shuffled) unless told. It takes precedence over
    /// [`shuffle`](Self::shuffle).
    pub fn sampler(mut self, sampler: impl Sampler) -> Self {
        self.options.sampler = Some(Sampling::new(sampler));
        self
    }

    /// Whether a last training batch of fewer images is left out: no unless told (fastai leaves it out).
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.options.drop_last = drop_last;
        self
    }

    /// Decodes all images, on all cores, and keeps them as bytes. What takes over a second is shown on stderr.
    ///
    /// # Errors
    /// [`DataError::Image`], [`DataError::Read`] and [`DataError::TooBig`] for an image that is broken, cannot be read or is
    /// too big, [`DataError::Sizes`] for images of several sizes, [`DataError::BatchSize`] and [`DataError::NoBatch`] for a batch size that does not work.
    pub fn build(self) -> Result<Data, DataError> {
        self.options.check(match &self.source {
            Source::Listing(listing) => listing.train.len(),
            Source::Idx(pair) => pair.train.set.len(),
        })?;
        let (train, valid, classes) = match self.source {
            Source::Listing(Listing { classes, train, valid }) => {
                let groups: Vec<&[Image]> =
                    [Some(&train), valid.as_ref()].into_iter().flatten().map(Vec::as_slice).collect();
                let pixels = decode::decode(&groups, self.channels)?;
                let mut sets = groups.iter().zip(pixels).map(|(images, pixels)| {
                    let labels: Vec<i64> = images.iter().map(|image| image.label).collect();
                    ImageDataset::new(pixels, Tensor::f_from_slice(&labels)?)
                });
                let train = sets.next().ok_or(DataError::Empty { part: "training" })??;
                (train, sets.next().transpose()?, classes)
            }
            Source::Idx(pair) => {
                let classes = pair.classes();
                let Pair { train, valid } = pair;
                let planes = |set: ImageDataset| match self.channels {
                    Channels::Grey => Ok(set),
                    Channels::Rgb => set.tripled(),
                };
                (planes(train.set)?, valid.map(|part| planes(part.set)).transpose()?, classes)
            }
        };
        let keep =
            |set: ImageDataset| -> Result<Box<dyn Dataset>, DataError> { Ok(Box::new(set.to_device(self.device)?)) };
        let (train, valid) = (Train::Dataset(keep(train)?), valid.map(keep).transpose()?);
        DataBuilder { train, valid, classes, options: self.options }.build()
    }
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
            .field("options", &self.options)
            .finish()
    }
}
