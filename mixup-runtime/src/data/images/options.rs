//! The options of [`ImageData`].

use tch::Device;

use super::{ImageData, Source, Split, decode::Channels};
use crate::{
    data::{Sampler, Sampling},
    transforms::{AnyTransform, Normalize},
};

impl ImageData {
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

    /// Whether there is a folder, a column or a file of images for validation, so that nothing has to be split.
    #[must_use]
    pub fn has_valid(&self) -> bool {
        match &self.source {
            Source::Listing(listing) => listing.valid.is_some(),
            Source::Idx(pair) => pair.valid.is_some(),
        }
    }

    /// Sets how the images are divided into those for training and those for validation, where there is no folder for the latter:
    /// [`RandomSplit`](super::RandomSplit), [`KFold`](super::KFold), [`NameSplit`](super::NameSplit), or your own.
    pub fn split(mut self, split: impl Split) -> Self {
        self.split = Some(Box::new(split));
        self
    }

    /// Adds a transform of all images, as [`Resize`](crate::transforms::Resize), which gives them one size. Several are applied in the order in
    /// which they were added.
    pub fn items(mut self, transform: impl Into<AnyTransform>) -> Self {
        self.items.push(transform.into());
        self
    }

    /// Adds transforms of the training images only, which are applied after those of [`items`](Self::items), anew in each epoch:
    /// `augment([RandomFlip::horizontal(), RandomResizedCrop::new(224)])`.
    pub fn augment(mut self, transforms: impl IntoIterator<Item = impl Into<AnyTransform>>) -> Self {
        self.augment.extend(transforms.into_iter().map(Into::into));
        self
    }

    /// Sets what the pixels of all images are normalized with. Defaults to nothing: they are from 0 to 1.
    pub fn normalize(mut self, normalize: Normalize) -> Self {
        self.normalize = Some(normalize);
        self
    }

    /// Sets whether images that can't be read are left out. Each image is then decoded once when the data is built, and
    /// [`Data::skipped`](crate::data::Data::skipped) has the errors. Defaults to false: they are an error that names all of them.
    pub fn skip_bad(mut self, skip_bad: bool) -> Self {
        self.skip_bad = skip_bad;
        self
    }

    /// Sets how many bytes the decoded images may take. Images that take no more are kept in memory, as they are before anything random happens to
    /// them; more are decoded for each batch. Defaults to 1 GiB. [`Data::kept`](crate::data::Data::kept) says what happened.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets how many threads decode and transform the images of the next batches while the learner trains: see
    /// [`Loader::workers`](crate::data::Loader::workers). Defaults to the number of cores, at most 16, as in fastai.
    pub fn workers(mut self, workers: usize) -> Self {
        self.options.workers = workers;
        self
    }

    /// Sets the device on which the pixels are kept, as bytes, and batches are gathered. Defaults to the CPU. A small data set may
    /// be kept on the GPU as a whole; then no batch has to be copied there. This is only for images that are kept and not augmented.
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

    /// Sets the sampler, which draws the training images of an epoch and their order. Defaults to
    /// [`Shuffled`](crate::data::Shuffled). A sampler takes precedence over [`shuffle`](Self::shuffle).
    pub fn sampler(mut self, sampler: impl Sampler) -> Self {
        self.options.sampler = Some(Sampling::new(sampler));
        self
    }

    /// Draws the training images such that all classes come equally often, however few images they have: an epoch has as many images as without this,
    /// some of them several times and others not at all. It is a sampler ([`Weighted`](crate::data::Weighted)) and takes its place.
    pub fn balanced(mut self) -> Self {
        self.balanced = true;
        self
    }

    /// Sets whether the last training batch is left out if it has fewer images than the others. Defaults to false (in fastai, to true).
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.options.drop_last = drop_last;
        self
    }
}
