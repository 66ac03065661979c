//! What a learner takes: data for training, perhaps data for validation, and the names of the classes.

use std::fmt;

use super::{DataError, Dataset, Loader};
use crate::batch::Batch;

/// Training data, perhaps validation data, and the names of the classes.
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
    classes: Vec<String>,
}

impl Data {
    /// Data from a data set to train with. The rest is optional.
    pub fn builder(train: impl Dataset + 'static) -> DataBuilder {
        DataBuilder { train: Box::new(train), valid: None, classes: Vec::new(), options: Options::default() }
    }

    /// Batches that are ready, handed out in their order in each epoch, none of them copied. An empty `valid` means that
    /// there is no validation.
    ///
    /// # Errors
    /// [`DataError::Empty`] where there is no training batch, [`DataError::PreparedBatch`] for a batch without items, or
    /// whose input and target have different numbers of them.
    pub fn from_batches(train: Vec<Batch>, valid: Vec<Batch>) -> Result<Self, DataError> {
        let train = Loader::prepared("training", train)?;
        let valid = if valid.is_empty() { None } else { Some(Loader::prepared("validation", valid)?) };
        Ok(Self { train, valid, classes: Vec::new() })
    }

    /// The batches to train with.
    #[must_use]
    pub fn train(&self) -> &Loader {
        &self.train
    }

    /// The batches to validate with, if there are any.
    #[must_use]
    pub fn valid(&self) -> Option<&Loader> {
        self.valid.as_ref()
    }

    /// The names of the classes, in the order of their indices; empty where they have none.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// One line: «12,396 training and 2,038 validation images of 3×28×28 in 2 classes».
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} training ", thousands(self.train.items()))?;
        if let Some(valid) = &self.valid {
            write!(f, "and {} validation ", thousands(valid.items()))?;
        }
        f.write_str(&self.train.describe())?;
        match self.classes.len() {
            0 => {}
            1 => f.write_str(" in 1 class")?,
            n => write!(f, " in {} classes", thousands(n))?,
        }
        if self.valid.is_none() { f.write_str(", no validation") } else { Ok(()) }
    }
}

/// How data are cut into batches: what every builder of [`Data`] lets the user choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) batch_size: usize,
    pub(crate) valid_batch_size: Option<usize>,
    pub(crate) shuffle: bool,
    pub(crate) drop_last: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch_size: 64, valid_batch_size: None, shuffle: true, drop_last: false }
    }
}

impl Options {
    /// Whether there is anything to train with, in batches of this size: known before any item is.
    pub(crate) fn check(&self, items: usize) -> Result<(), DataError> {
        let batch_size = self.batch_size;
        if batch_size == 0 || self.valid_batch_size == Some(0) {
            Err(DataError::BatchSize)
        } else if self.drop_last && 0 < items && items < batch_size {
            Err(DataError::NoBatch { items, batch_size })
        } else {
            Ok(())
        }
    }
}

/// The choices on the way to [`Data`]; see [`Data::builder`].
#[must_use = "nothing is there before `build`"]
pub struct DataBuilder {
    pub(crate) train: Box<dyn Dataset>,
    pub(crate) valid: Option<Box<dyn Dataset>>,
    pub(crate) classes: Vec<String>,
    pub(crate) options: Options,
}

impl DataBuilder {
    /// The data set to validate with. It is neither shuffled nor cut short.
    pub fn valid(mut self, valid: impl Dataset + 'static) -> Self {
        self.valid = Some(Box::new(valid));
        self
    }

    /// The names of the classes, in the order of their indices.
    pub fn classes(mut self, classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.classes = classes.into_iter().map(Into::into).collect();
        self
    }

    /// How many items a batch has: 64 unless told, as in fastai.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = batch_size;
        self
    }

    /// How many items a batch of the validation data has: as many as in training unless told.
    pub fn valid_batch_size(mut self, batch_size: usize) -> Self {
        self.options.valid_batch_size = Some(batch_size);
        self
    }

    /// Whether the training items come in a new order in each epoch: yes unless told.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = shuffle;
        self
    }

    /// Whether a last training batch of fewer items is left out: no unless told (fastai leaves it out).
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.options.drop_last = drop_last;
        self
    }

    /// The data, ready for a learner.
    ///
    /// # Errors
    /// [`DataError::BatchSize`] for a batch size of 0, [`DataError::Empty`] where the training or the validation data
    /// have no items, [`DataError::NoBatch`] where `drop_last` would leave nothing.
    pub fn build(self) -> Result<Data, DataError> {
        self.options.check(self.train.len())?;
        let Options { batch_size, valid_batch_size, shuffle, drop_last } = self.options;
        let train = Loader::of_part("training", self.train, batch_size)?.shuffle(shuffle).drop_last(drop_last);
        let valid = match self.valid {
            Some(valid) => Some(Loader::of_part("validation", valid, valid_batch_size.unwrap_or(batch_size))?),
            None => None,
        };
        Ok(Data { train, valid, classes: self.classes })
    }
}

impl fmt::Debug for DataBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A number with its thousands set apart: `12,396`.
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
