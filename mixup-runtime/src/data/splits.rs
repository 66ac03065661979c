//! The data of a learner: training data, perhaps validation and test data, and the names of the classes.

use std::fmt;

use tch::{Device, Kind, Tensor};

use super::{DataError, Dataset, Loader, Preparation, Sampler, Sampling, Stream};
use crate::{
    batch::{Batch, Target},
    transforms::Normalize,
};

/// Training data, perhaps validation and test data, and the names of the classes.
///
/// ```
/// use mixup::data::{Data, DataError, TensorDataset};
/// use tch::{Device, Kind, Tensor};
///
/// let items = |n: i64| {
///     let x = Tensor::rand([n, 3, 28, 28], (Kind::Float, Device::Cpu));
///     TensorDataset::new(x, Tensor::zeros([n], (Kind::Int64, Device::Cpu)))
/// };
/// let data = Data::builder(items(1000)?).valid(items(200)?).classes(["cat", "dog"]).batch_size(64).build()?;
/// assert_eq!(data.to_string(), "1,000 training and 200 validation items of 3×28×28 in 2 classes");
/// # Ok::<(), DataError>(())
/// ```
#[derive(Debug)]
pub struct Data {
    train: Loader,
    valid: Option<Loader>,
    test: Option<Loader>,
    classes: Vec<String>,
    pictures: Option<PictureFacts>,
}

/// What is known of data that was made from pictures.
#[derive(Debug)]
pub(crate) struct PictureFacts {
    /// The errors of those that were left out.
    pub(crate) skipped: Vec<DataError>,
    /// Whether they are in memory, decoded.
    pub(crate) kept: bool,
    pub(crate) preparation: Preparation,
    /// Their sizes as they lie.
    pub(crate) sizes: Option<Sizes>,
    /// For each part, how many there are of each class; empty if the pictures do not have one class each.
    pub(crate) counts: Vec<(&'static str, Vec<usize>)>,
}

/// The sizes of pictures: width and height.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub(crate) smallest: (u32, u32),
    pub(crate) largest: (u32, u32),
    /// How many different ones there are.
    pub(crate) different: usize,
}

/// A part of the learner's [`Data`]: what `validate_on` and `predictions_on` go over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The training data, in its own order and with all its items: without the sampler, `drop_last` and `batches_per_epoch`.
    Train,
    /// The validation data.
    Valid,
    /// The test data.
    Test,
}

impl Data {
    /// Starts building data from a data set for training. The rest is optional.
    pub fn builder(train: impl Dataset + 'static) -> DataBuilder {
        DataBuilder::of(Train::Dataset(Box::new(train)))
    }

    /// Starts building data from a stream for training, which has no length: its batches come one after another, and an epoch
    /// ends with the stream or after [`batches_per_epoch`](DataBuilder::batches_per_epoch). The rest is optional. Validation data
    /// has a length.
    pub fn stream(train: impl Stream + 'static) -> DataBuilder {
        DataBuilder::of(Train::Stream(Box::new(train)))
    }

    /// Creates data from batches that are ready. Each epoch has them in their order, without copying them. An empty `valid`
    /// means that there is no validation.
    ///
    /// # Errors
    /// [`DataError::Empty`] if there is no training batch, [`DataError::PreparedBatch`] for a batch without items, or for one
    /// whose input and target have different numbers of items.
    pub fn from_batches(train: Vec<Batch>, valid: Vec<Batch>) -> Result<Self, DataError> {
        let train = Loader::prepared("training", train)?;
        let valid = if valid.is_empty() { None } else { Some(Loader::prepared("validation", valid)?) };
        Ok(Self { train, valid, test: None, classes: Vec::new(), pictures: None })
    }

    /// Creates data without items, for a [`TrainStep`](crate::learner::TrainStep) that makes its own, as one that plays a game: an epoch has this
    /// many batches, each with a single zero as input and target.
    ///
    /// # Errors
    /// [`DataError::Empty`] for 0 batches, and any error from libtorch.
    pub fn of_steps(batches: usize) -> Result<Self, DataError> {
        let zero = || Tensor::f_zeros([1], (Kind::Float, Device::Cpu));
        let batch = |_| Ok(Batch { input: zero()?.into(), target: Target::Dense(zero()?) });
        Self::from_batches((0..batches).map(batch).collect::<Result<_, DataError>>()?, Vec::new())
    }

    /// Leaves out the validation data.
    #[must_use]
    pub fn without_valid(self) -> Self {
        Self { valid: None, ..self }
    }

    /// The training data.
    #[must_use]
    pub fn train(&self) -> &Loader {
        &self.train
    }

    /// The validation data, if there is any.
    #[must_use]
    pub fn valid(&self) -> Option<&Loader> {
        self.valid.as_ref()
    }

    /// The test data, if there is any: no training looks at it.
    #[must_use]
    pub fn test(&self) -> Option<&Loader> {
        self.test.as_ref()
    }

    /// A part of the data, if there is one.
    #[must_use]
    pub fn part(&self, part: Part) -> Option<&Loader> {
        match part {
            Part::Train => Some(&self.train),
            Part::Valid => self.valid.as_ref(),
            Part::Test => self.test.as_ref(),
        }
    }

    /// The names of the classes, in the order of their indices; empty if the classes have no names.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The errors of the images that were left out, because [`ImageData::skip_bad`](super::ImageData::skip_bad) says so.
    #[must_use]
    pub fn skipped(&self) -> &[DataError] {
        self.pictures.as_ref().map_or(&[], |pictures| &pictures.skipped)
    }

    /// Whether images are kept in memory, decoded; if not, they are decoded for each batch. `None` if the data was not made by
    /// [`ImageData`](super::ImageData).
    #[must_use]
    pub fn kept(&self) -> Option<bool> {
        self.pictures.as_ref().map(|pictures| pictures.kept)
    }

    /// What the pixels of images are normalized with.
    #[must_use]
    pub fn normalize(&self) -> Option<Normalize> {
        self.pictures.as_ref().and_then(|pictures| pictures.preparation.normalize)
    }

    /// What is known of pictures.
    pub(crate) fn picture_facts(&self) -> Option<&PictureFacts> {
        self.pictures.as_ref()
    }

    /// Ends the threads that gather batches ahead.
    pub(crate) fn rest(&self) {
        [Some(&self.train), self.valid(), self.test()].into_iter().flatten().for_each(Loader::rest);
    }

    /// The training data alone.
    pub(crate) fn into_train(self) -> Loader {
        self.train
    }

    /// The training data, mutably, for going through its batches.
    pub(crate) fn train_mut(&mut self) -> &mut Loader {
        &mut self.train
    }
}

/// Shows the data in one line: "12,396 training and 2,038 validation images of 3×28×28 in 2 classes".
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (train, items) = (self.train.describe(), |loader: &Loader| loader.items().map(thousands));
        match (items(&self.train), self.valid.as_ref().and_then(items)) {
            (Some(count), None) => write!(f, "{count} training {train}")?,
            (Some(count), Some(valid)) => write!(f, "{count} training and {valid} validation {train}")?,
            (None, None) => write!(f, "a stream of training {train}")?,
            (None, Some(valid)) => write!(f, "a stream of training {train}, and {valid} for validation")?,
        }
        if let Some(test) = self.test.as_ref().and_then(items) {
            write!(f, ", {test} for tests")?;
        }
        match self.classes.len() {
            0 => {}
            1 => f.write_str(" in 1 class")?,
            n => write!(f, " in {} classes", thousands(n))?,
        }
        if self.valid.is_none() {
            f.write_str(", no validation")?;
        }
        match self.skipped().len() {
            0 => Ok(()),
            1 => f.write_str(", 1 bad image left out"),
            bad => write!(f, ", {} bad images left out", thousands(bad)),
        }
    }
}

/// How data is cut into batches: the options that every builder of [`Data`] has.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) batch_size: usize,
    pub(crate) valid_batch_size: Option<usize>,
    pub(crate) shuffle: bool,
    pub(crate) sampler: Option<Sampling>,
    pub(crate) drop_last: bool,
    pub(crate) batches_per_epoch: Option<usize>,
    /// How many threads gather batches ahead.
    pub(crate) workers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_size: 64,
            valid_batch_size: None,
            shuffle: true,
            sampler: None,
            drop_last: false,
            batches_per_epoch: None,
            workers: 0,
        }
    }
}

impl Options {
    /// Checks the options against the number of items, before any item is read.
    pub(crate) fn check(&self, items: usize) -> Result<(), DataError> {
        let batch_size = self.batch_size;
        if batch_size == 0 || self.valid_batch_size == Some(0) {
            Err(DataError::BatchSize)
        } else if self.batches_per_epoch == Some(0) {
            Err(DataError::BatchesPerEpoch)
        } else if self.drop_last && 0 < items && items < batch_size {
            Err(DataError::NoBatch { items, batch_size })
        } else {
            Ok(())
        }
    }
}

/// The source of the training data.
pub(crate) enum Train {
    Dataset(Box<dyn Dataset>),
    Stream(Box<dyn Stream>),
}

/// Builds [`Data`]; created by [`Data::builder`] and [`Data::stream`].
#[must_use = "nothing is there before `build`"]
pub struct DataBuilder {
    pub(crate) train: Train,
    pub(crate) valid: Option<Box<dyn Dataset>>,
    pub(crate) test: Option<Box<dyn Dataset>>,
    pub(crate) classes: Vec<String>,
    pub(crate) options: Options,
    pub(crate) pictures: Option<PictureFacts>,
}

impl DataBuilder {
    fn of(train: Train) -> Self {
        Self { train, valid: None, test: None, classes: Vec::new(), options: Options::default(), pictures: None }
    }

    /// Sets the data set for validation. It is neither shuffled nor cut short.
    pub fn valid(mut self, valid: impl Dataset + 'static) -> Self {
        self.valid = Some(Box::new(valid));
        self
    }

    /// Sets the data set for tests, which no training looks at: `learn.validate_on(Part::Test)` measures on it, and
    /// `learn.predictions_on(Part::Test)` predicts it. It is neither shuffled nor cut short, has batches as the validation data has, and may
    /// be without targets, as [`TensorDataset::unlabelled`](super::TensorDataset::unlabelled) is.
    pub fn test(mut self, test: impl Dataset + 'static) -> Self {
        self.test = Some(Box::new(test));
        self
    }

    /// Sets the names of the classes, in the order of their indices.
    pub fn classes(mut self, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.classes = classes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many items a batch has. Defaults to 64, as in fastai.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = batch_size;
        self
    }

    /// Sets how many items a batch of validation or of tests has. Defaults to the batch size of training.
    pub fn valid_batch_size(mut self, batch_size: usize) -> Self {
        self.options.valid_batch_size = Some(batch_size);
        self
    }

    /// Sets whether the training items are shuffled anew for each epoch. Defaults to true.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = shuffle;
        self
    }

    /// Sets the sampler, which draws the training items of an epoch and their order. Defaults to [`Shuffled`](super::Shuffled). A
    /// sampler takes precedence over [`shuffle`](Self::shuffle).
    pub fn sampler(mut self, sampler: impl Sampler) -> Self {
        self.options.sampler = Some(Sampling::new(sampler));
        self
    }

    /// Sets whether the last training batch is left out if it has fewer items than the others. Defaults to false (in fastai, to true).
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.options.drop_last = drop_last;
        self
    }

    /// Sets how many training batches an epoch has at most. Defaults to no bound. The next epoch of a stream continues where the last one stopped.
    pub fn batches_per_epoch(mut self, batches: usize) -> Self {
        self.options.batches_per_epoch = Some(batches);
        self
    }

    /// Sets how many threads gather batches ahead: see [`Loader::workers`]. Defaults to 0.
    pub fn workers(mut self, workers: usize) -> Self {
        self.options.workers = workers;
        self
    }

    /// Builds the data for a learner.
    ///
    /// # Errors
    /// [`DataError::BatchSize`] for a batch size of 0, [`DataError::BatchesPerEpoch`] for epochs of 0 batches, [`DataError::Empty`] if the
    /// training, the validation or the test data has no items, [`DataError::NoTargets`] if the first two have no targets,
    /// [`DataError::NoBatch`] if `drop_last` would leave nothing, [`DataError::Stream`] for a sampler of a stream.
    pub fn build(self) -> Result<Data, DataError> {
        // A stream always has enough items.
        self.options.check(if let Train::Dataset(dataset) = &self.train { dataset.len() } else { usize::MAX })?;
        let Options { batch_size, valid_batch_size, shuffle, sampler, drop_last, batches_per_epoch, workers } =
            self.options;
        let train = match self.train {
            Train::Dataset(dataset) => {
                Loader::of_part("training", dataset, batch_size)?.shuffle(shuffle).drop_last(drop_last)
            }
            Train::Stream(_) if sampler.is_some() => return Err(DataError::Stream { what: "order for a sampler" }),
            Train::Stream(stream) => Loader::streaming(stream, batch_size),
        };
        let train = train.batches_per_epoch(batches_per_epoch).workers(workers);
        let train = if let Some(sampler) = sampler { train.sampler(sampler) } else { train };
        let whole = |part, dataset: Option<Box<dyn Dataset>>| {
            let loader = |it| Loader::of_part(part, it, valid_batch_size.unwrap_or(batch_size));
            dataset.map(|it| Ok::<_, DataError>(loader(it)?.workers(workers))).transpose()
        };
        let (valid, test) = (whole("validation", self.valid)?, whole("test", self.test)?);
        Ok(Data { train, valid, test, classes: self.classes, pictures: self.pictures })
    }
}

impl fmt::Debug for DataBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A number with separators between thousands: `12,396`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
