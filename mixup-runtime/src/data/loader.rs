//! A data set, cut into batches.
//!
//! A loader keeps no state between batches: the caller draws an order for each epoch and asks for batch k of it. So a
//! training that was saved in the middle of an epoch goes on from the order and the number alone.

use std::fmt;

use rand::seq::SliceRandom;
use tch::Tensor;

use super::{DataError, Dataset, dataset::describe};
use crate::{
    batch::{Batch, Input, Target, items},
    rng::Rng,
};

/// Where batches come from: gathered from a data set, or prepared and handed out one after another.
enum Source {
    Dataset(Box<dyn Dataset>),
    Prepared { batches: Vec<Batch>, items: usize },
}

/// A data set, cut into batches.
///
/// ```
/// use mixup::data::{DataError, Loader, TensorDataset};
/// use rand::SeedableRng;
/// use tch::Tensor;
///
/// let numbers = TensorDataset::new(Tensor::from_slice(&[0.0, 1.0, 2.0, 3.0, 4.0]), Tensor::from_slice(&[0, 1, 0, 1, 0]))?;
/// let loader = Loader::new(numbers, 2)?.shuffle(true);
/// let mut rng = mixup::Rng::seed_from_u64(42);
///
/// let order = loader.order(&mut rng); // one for each epoch
/// let sizes: Vec<usize> =
///     (0..loader.batches()).map(|k| Ok(loader.batch(&order, k)?.target.items())).collect::<Result<_, DataError>>()?;
/// assert_eq!(sizes, [2, 2, 1]);
/// # Ok::<(), DataError>(())
/// ```
pub struct Loader {
    source: Source,
    batch_size: usize,
    shuffle: bool,
    drop_last: bool,
}

impl Loader {
    /// Batches of `batch_size` items of `dataset`, in its own order, with a smaller last one where it does not come out
    /// even.
    ///
    /// # Errors
    /// [`DataError::BatchSize`] for a size of 0, [`DataError::Empty`] for a data set without items.
    pub fn new(dataset: impl Dataset + 'static, batch_size: usize) -> Result<Self, DataError> {
        Self::of_part("given", Box::new(dataset), batch_size)
    }

    pub(crate) fn of_part(part: &'static str, dataset: Box<dyn Dataset>, batch_size: usize) -> Result<Self, DataError> {
        match (batch_size, dataset.len()) {
            (0, _) => Err(DataError::BatchSize),
            (_, 0) => Err(DataError::Empty { part }),
            _ => Ok(Self { source: Source::Dataset(dataset), batch_size, shuffle: false, drop_last: false }),
        }
    }

    pub(crate) fn prepared(part: &'static str, batches: Vec<Batch>) -> Result<Self, DataError> {
        let mut total = 0;
        for (batch, content) in batches.iter().enumerate() {
            let (input, target) = batch_items(content);
            if input == 0 || input != target {
                return Err(DataError::PreparedBatch { part, batch, input, target });
            }
            total += input;
        }
        let batch_size = batches.first().map_or(0, |batch| batch.input.items());
        if batch_size == 0 {
            return Err(DataError::Empty { part });
        }
        let source = Source::Prepared { batches, items: total };
        Ok(Self { source, batch_size, shuffle: false, drop_last: false })
    }

    /// Whether each epoch has an order of its own. Prepared batches keep theirs.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Whether a last batch of fewer items than the others is left out. Prepared batches are all handed out.
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// How many batches an epoch has.
    #[must_use]
    pub fn batches(&self) -> usize {
        match &self.source {
            Source::Prepared { batches, .. } => batches.len(),
            Source::Dataset(dataset) if self.drop_last => dataset.len() / self.batch_size,
            Source::Dataset(dataset) => dataset.len().div_ceil(self.batch_size),
        }
    }

    /// How many items there are, those that `drop_last` leaves out included.
    #[must_use]
    pub fn items(&self) -> usize {
        match &self.source {
            Source::Prepared { items, .. } => *items,
            Source::Dataset(dataset) => dataset.len(),
        }
    }

    /// How many items a batch takes; of prepared batches, how many the first has.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Whether each batch is made anew and nobody else has its memory: as the data set says, and never of prepared batches.
    #[must_use]
    pub fn fresh(&self) -> bool {
        match &self.source {
            Source::Prepared { .. } => false,
            Source::Dataset(dataset) => dataset.fresh(),
        }
    }

    /// What the items are: «images of 3×28×28».
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.source {
            Source::Dataset(dataset) => dataset.describe(),
            Source::Prepared { batches, .. } => match batches.first().and_then(|batch| batch.input.one().ok()) {
                Some(tensor) => describe("items", &tensor.size()),
                None => "items".to_owned(),
            },
        }
    }

    /// The order of one epoch: all items shuffled (Fisher–Yates, from `rng`), or as they come where the loader does not
    /// shuffle; then `rng` is left alone. Of prepared batches it is the batches that stand in order, not their items.
    #[must_use]
    pub fn order(&self, rng: &mut Rng) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.entries()).collect();
        if self.shuffle && matches!(self.source, Source::Dataset(_)) {
            order.shuffle(rng);
        }
        order
    }

    /// Batch `k` of an epoch in this `order`, counted from 0. The same order and number give the same batch, always.
    ///
    /// # Errors
    /// [`DataError::Order`] for an order of other data, [`DataError::BatchIndex`] for a batch that is not there,
    /// [`DataError::WrongBatch`] where a data set returns other numbers of items than it was asked for, and whatever the
    /// data set says.
    pub fn batch(&self, order: &[usize], k: usize) -> Result<Batch, DataError> {
        if order.len() != self.entries() {
            return Err(DataError::Order { expected: self.entries(), found: order.len() });
        }
        if k >= self.batches() {
            return Err(DataError::BatchIndex { batch: k, batches: self.batches() });
        }
        match &self.source {
            Source::Prepared { batches, .. } => {
                let index = order[k]; // k is below the number of batches, which is the length of the order
                let batch = batches.get(index).ok_or(DataError::Index { index, items: batches.len() })?;
                Ok(share(batch))
            }
            Source::Dataset(dataset) => {
                // Batch k begins within the order, since k is below the number of batches.
                let first = k * self.batch_size;
                let indices = &order[first..order.len().min(first.saturating_add(self.batch_size))];
                let batch = dataset.batch(indices)?;
                let (asked, (input, target)) = (indices.len(), batch_items(&batch));
                if input != asked || target != asked {
                    return Err(DataError::WrongBatch { asked, input, target });
                }
                Ok(batch)
            }
        }
    }

    /// The first item as a batch of one, or the first of prepared batches: to see shapes before a training.
    ///
    /// # Errors
    /// As of [`batch`](Self::batch).
    pub fn sample(&self) -> Result<Batch, DataError> {
        match &self.source {
            Source::Prepared { batches, .. } => {
                batches.first().map(share).ok_or(DataError::Index { index: 0, items: 0 })
            }
            Source::Dataset(dataset) => dataset.batch(&[0]),
        }
    }

    /// How many entries an order has.
    fn entries(&self) -> usize {
        match &self.source {
            Source::Prepared { batches, .. } => batches.len(),
            Source::Dataset(dataset) => dataset.len(),
        }
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("items", &format_args!("{} {}", self.items(), self.describe()))
            .field("batch_size", &self.batch_size)
            .field("shuffle", &self.shuffle)
            .field("drop_last", &self.drop_last)
            .finish_non_exhaustive()
    }
}

/// How many items the input and the target of a batch have; where the tensors of one of them disagree, a number that
/// disagrees with the rest.
fn batch_items(batch: &Batch) -> (usize, usize) {
    let input = match &batch.input {
        Input::Tensor(tensor) => items(tensor),
        several => {
            let all = several.tensors();
            let first = several.items();
            all.iter().map(|tensor| items(tensor)).find(|&found| found != first).unwrap_or(first)
        }
    };
    let target = match &batch.target {
        Target::Mixed { first, second, weight } => {
            let expected = first.items();
            [second.items(), items(weight)].into_iter().find(|&found| found != expected).unwrap_or(expected)
        }
        plain => plain.items(),
    };
    (input, target)
}

/// The same tensors once more, none of them copied.
fn share(batch: &Batch) -> Batch {
    Batch { input: share_input(&batch.input), target: batch.target.shallow_clone() }
}

fn share_input(input: &Input) -> Input {
    match input {
        Input::Tensor(tensor) => Input::Tensor(tensor.shallow_clone()),
        Input::Tensors(tensors) => Input::Tensors(tensors.iter().map(Tensor::shallow_clone).collect()),
        Input::Stacked { first, second, weight } => Input::Stacked {
            first: first.shallow_clone(),
            second: second.shallow_clone(),
            weight: weight.shallow_clone(),
        },
    }
}
