//! Images from folders, archives and IDX files.
//!
//! First the images are found and checked (`folder`, `archive`, `idx`, `digits`), then the user chooses the options, and only
//! then are images decoded (`decode`).

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

/// Builds [`Data`] from images that were found in a folder, an archive or IDX files.
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
/// images, also in folders below the class. Classes are numbered in the order of their names, and images are in the order of
/// their paths. Other files, and names that begin with a dot, are ignored. All images must have the same size.
#[must_use = "nothing is decoded before `build`"]
pub struct ImageData {
    source: Source,
    channels: Channels,
    device: Device,
    options: Options,
}

enum Source {
    /// Files, or entries of an archive, that are not decoded yet.
    Listing(Listing),
    Idx(Pair),
}

impl ImageData {
    /// Lists the images of a folder, without opening them yet.
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::NotAFolder`] or [`DataError::MissingFolder`] if there is no such folder or no
    /// `train` in it, [`DataError::NoClasses`] and [`DataError::EmptyClass`] if a part of it is empty,
    /// [`DataError::UnknownClass`] for a class that is only in the validation data, [`DataError::SpecialFile`] for a FIFO, a
    /// socket or a device with the name of an image, [`DataError::Read`] for what could not be read.
    pub fn from_folder(path: impl AsRef<Path>) -> Result<Self, DataError> {
        folder::list(path.as_ref()).map(|listing| Self::new(Source::Listing(listing), Channels::Rgb))
    }

    /// Reads the images of a `.tgz`, `.tar.gz`, `.tar` or `.zip`, whatever its name. `train` and `valid` must be at its top or in
    /// one folder there. Nothing is unpacked to the disk; until `build`, the image files are kept in memory, not yet decoded.
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
        Pair::from_folder(folder.as_ref()).map(|pair| Self::new(Source::Idx(pair), Channels::Grey))
    }

    /// Opens whatever is at `path`: a folder of images, a folder of IDX files, or an archive.
    ///
    /// # Errors
    /// [`DataError::Unrecognised`] if it is none of them, and the errors of the function that fits.
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
        digits::read().map(|pair| Self::new(Source::Idx(pair), Channels::Grey))
    }

    fn new(source: Source, channels: Channels) -> Self {
        Self { source, channels, device: Device::Cpu, options: Options::default() }
    }

    /// Uses one number for each pixel. Colour becomes grey as the luma of ITU-R BT.709; transparency is dropped.
    pub fn grey(mut self) -> Self {
        self.channels = Channels::Grey;
        self
    }

    /// Uses three numbers for each pixel: red, green and blue. Grey images get three equal ones, and transparency is dropped.
    /// This is the default for folders and archives.
    pub fn rgb(mut self) -> Self {
        self.channels = Channels::Rgb;
        self
    }

    /// Sets the device on which the pixels are kept, as bytes, and batches are gathered. Defaults to the CPU. A small data set may
    /// be kept on the GPU as a whole; then no batch has to be copied there.
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Sets how many images a batch has. Defaults to 64, as in fastai.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = batch_size;
        self
    }

    /// Sets how many images a validation batch has. Defaults to the batch size of training.
    pub fn valid_batch_size(mut self, batch_size: usize) -> Self {
        self.options.valid_batch_size = Some(batch_size);
        self
    }

    /// Sets whether the training images are shuffled anew for each epoch. Defaults to true.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = shuffle;
        self
    }

    /// Sets the sampler, which draws the training images of an epoch and their order. Defaults to [`Shuffled`](super::Shuffled). A
    /// sampler takes precedence over [`shuffle`](Self::shuffle).
    pub fn sampler(mut self, sampler: impl Sampler) -> Self {
        self.options.sampler = Some(Sampling::new(sampler));
        self
    }

    /// Sets whether the last training batch is left out if it has fewer images than the others. Defaults to false (in fastai, to true).
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.options.drop_last = drop_last;
        self
    }

    /// Decodes all images, on all cores, and keeps them as bytes. If this takes over a second, stderr shows the progress.
    ///
    /// # Errors
    /// [`DataError::Image`], [`DataError::Read`] and [`DataError::TooBig`] for an image that is broken, cannot be read or is
    /// too big, [`DataError::Sizes`] for images of several sizes, [`DataError::BatchSize`] for a batch size of 0, and
    /// [`DataError::NoBatch`] for one that leaves no whole batch.
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
        DataBuilder { train, valid, test: None, classes, options: self.options }.build()
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
