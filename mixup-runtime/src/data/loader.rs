//! Data, cut into batches.
//!
//! A loader keeps no state between batches: the caller draws an order for each epoch and asks for batch k of it. So a
//! training that was saved in the middle of an epoch goes on from the order and the number alone. Only a stream keeps its
//! place, and says it.

use std::fmt;

use tch::Tensor;

use super::{DataError, Dataset, InOrder, Sampler, Sampling, Shuffled, Stream, dataset::describe};
use crate::{
    batch::{Batch, Input, Target, items},
    rng::{ItemRngs, Rng},
};

/// Where batches come from.
enum Source {
    /// Gathered from a data set.
    Dataset(Box<dyn Dataset>),
    /// Prepared, and handed out one after another.
    Prepared { batches: Vec<Batch>, items: usize },
    /// As they come.
    Stream(Box<dyn Stream>),
}

/// Data, cut into batches: a data set's items in the order of a [`Sampler`], prepared batches, or a [`Stream`].
///
/// ```
/// use mixup::{data::{DataError, Loader, TensorDataset}, rng::ItemRngs};
/// use rand::SeedableRng;
/// use tch::Tensor;
///
/// let numbers = TensorDataset::new(Tensor::from_slice(&[0.0, 1.0, 2.0, 3.0, 4.0]), Tensor::from_slice(&[0, 1, 0, 1, 0]))?;
/// let loader = Loader::new(numbers, 2)?.shuffle(true);
/// let mut rng = mixup::Rng::seed_from_u64(42);
///
/// let order = loader.order(&mut rng)?; // one for each epoch
/// let rngs = ItemRngs::new(42, 0); // for what is random in items; nothing is here
/// let sizes: Vec<usize> = (0..loader.batches_in(&order))
///     .map(|k| Ok(loader.batch(&order, k, &rngs)?.target.items()))
///     .collect::<Result<_, DataError>>()?;
/// assert_eq!(sizes, [2, 2, 1]);
/// # Ok::<(), DataError>(())
/// ```
pub struct Loader {
    source: Source,
    sampler: Sampling,
    batch_size: usize,
    drop_last: bool,
    batches_per_epoch: Option<usize>,
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
            _ => Ok(Self::of_source(Source::Dataset(dataset), batch_size)),
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
        Ok(Self::of_source(Source::Prepared { batches, items: total }, batch_size))
    }

    pub(crate) fn streaming(stream: Box<dyn Stream>, batch_size: usize) -> Self {
        Self::of_source(Source::Stream(stream), batch_size)
    }

    fn of_source(source: Source, batch_size: usize) -> Self {
        Self { source, sampler: Sampling::new(InOrder), batch_size, drop_last: false, batches_per_epoch: None }
    }

    /// Whether each epoch has an order of its own ([`Shuffled`], else [`InOrder`]). Prepared batches and streams keep theirs.
    #[must_use]
    pub fn shuffle(self, shuffle: bool) -> Self {
        match self.source {
            Source::Dataset(_) if shuffle => self.sampler(Shuffled),
            _ => self.sampler(InOrder),
        }
    }

    /// Which items an epoch has, in which order: [`InOrder`] unless told. Of prepared batches it draws batches, not their items.
    #[must_use]
    pub fn sampler(mut self, sampler: impl Sampler) -> Self {
        self.sampler.set(sampler);
        self
    }

    /// Whether a last batch of fewer items than the others is left out. Prepared batches are all handed out.
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// How many batches an epoch has at most.
    #[must_use]
    pub(crate) fn batches_per_epoch(mut self, batches: Option<usize>) -> Self {
        self.batches_per_epoch = batches;
        self
    }

    /// How many batches an epoch has; of a stream, how many it has at most: `None` if nothing bounds them.
    #[must_use]
    pub fn batches(&self) -> Option<usize> {
        match self.entries() {
            Some(entries) => Some(self.filled_by(self.sampler.len(entries))),
            None => self.batches_per_epoch,
        }
    }

    /// How many batches an epoch in this `order` has; of a stream, how many it has at most, `usize::MAX` if nothing bounds them.
    #[must_use]
    pub fn batches_in(&self, order: &[usize]) -> usize {
        match &self.source {
            Source::Stream(_) => self.batches_per_epoch.unwrap_or(usize::MAX),
            _ => self.filled_by(order.len()),
        }
    }

    /// How many batches so many entries of an order fill.
    fn filled_by(&self, entries: usize) -> usize {
        let filled = match &self.source {
            Source::Prepared { .. } => entries,
            _ if self.drop_last => entries / self.batch_size,
            _ => entries.div_ceil(self.batch_size),
        };
        filled.min(self.batches_per_epoch.unwrap_or(usize::MAX))
    }

    /// How many items there are, those that `drop_last` or a sampler leaves out included; `None` for a stream.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        match &self.source {
            Source::Prepared { items, .. } => Some(*items),
            Source::Dataset(dataset) => Some(dataset.len()),
            Source::Stream(_) => None,
        }
    }

    /// How many items a batch takes; of prepared batches, how many the first has. A stream cuts its batches itself.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Whether each batch is made anew and nobody else has its memory: as the data set or the stream says, and never of prepared batches.
    #[must_use]
    pub fn fresh(&self) -> bool {
        match &self.source {
            Source::Prepared { .. } => false,
            Source::Dataset(dataset) => dataset.fresh(),
            Source::Stream(stream) => stream.fresh(),
        }
    }

    /// What the items are: «images of 3×28×28».
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.source {
            Source::Dataset(dataset) => dataset.describe(),
            Source::Stream(stream) => stream.describe(),
            Source::Prepared { batches, .. } => match batches.first().and_then(|batch| batch.input.one().ok()) {
                Some(tensor) => describe("items", &tensor.size()),
                None => "items".to_owned(),
            },
        }
    }

    /// The sampler; a learner begins each run with it.
    #[must_use]
    pub fn sampling(&self) -> &Sampling {
        &self.sampler
    }

    /// The order of one epoch, as the sampler draws it; empty for a stream, which has none.
    ///
    /// # Errors
    /// The sampler's errors, [`DataError::SampledIndex`] if it chose an item that is not there, [`DataError::EmptyOrder`] if it chose too few for
    /// a batch.
    pub fn order(&self, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        self.order_by(&self.sampler, rng)
    }

    /// The same with another sampler.
    pub(crate) fn order_by(&self, sampler: &Sampling, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        let Some(entries) = self.entries() else {
            let own = sampler.is_same(&self.sampler);
            return if own { Ok(Vec::new()) } else { Err(DataError::Stream { what: "order for a sampler" }) };
        };
        let order = sampler.checked_order(entries, rng)?;
        if self.batches_in(&order) == 0 {
            return Err(DataError::EmptyOrder { sampler: sampler.describe() });
        }
        Ok(order)
    }

    /// Batch `k` of an epoch in this `order`, counted from 0. The same order, number and `rngs` give the same batch, always.
    ///
    /// # Errors
    /// [`DataError::BatchIndex`] for a batch that is not there, [`DataError::Index`] for an item that is not there, [`DataError::WrongBatch`]
    /// where a data set returns other numbers of items than it was asked for, [`DataError::Stream`] for a stream, and whatever the data set
    /// says.
    pub fn batch(&self, order: &[usize], k: usize, rngs: &ItemRngs) -> Result<Batch, DataError> {
        let batches = self.batches_in(order);
        if k >= batches {
            return Err(DataError::BatchIndex { batch: k, batches });
        }
        match &self.source {
            Source::Prepared { batches, .. } => {
                let index = order[k]; // k is below the number of batches, which is at most the length of the order
                let batch = batches.get(index).ok_or(DataError::Index { index, items: batches.len() })?;
                Ok(share(batch))
            }
            Source::Dataset(dataset) => {
                // Batch k begins within the order, since k is below the number of batches.
                let first = k * self.batch_size;
                let indices = &order[first..order.len().min(first.saturating_add(self.batch_size))];
                let batch = dataset.batch(indices, rngs)?;
                let (asked, (input, target)) = (indices.len(), batch_items(&batch));
                if input != asked || target != asked {
                    return Err(DataError::WrongBatch { asked, input, target });
                }
                Ok(batch)
            }
            Source::Stream(_) => Err(DataError::Stream { what: "batch by number" }),
        }
    }

    /// Batch `k` of an epoch, each asked for once and in turn; `None` where a stream ends.
    pub(crate) fn next(&mut self, order: &[usize], k: usize, rngs: &ItemRngs) -> Result<Option<Batch>, DataError> {
        let Source::Stream(stream) = &mut self.source else { return self.batch(order, k, rngs).map(Some) };
        let Some(batch) = stream.next(&mut rngs.of_batch(k))? else {
            return if k == 0 { Err(DataError::StreamEnded) } else { Ok(None) };
        };
        match batch_items(&batch) {
            (input, target) if input == 0 || input != target => Err(DataError::Lengths { input, target }),
            _ => Ok(Some(batch)),
        }
    }

    /// Where a stream stands ([`Stream::position`]); `None` for other data, of which an epoch always begins anew.
    #[must_use]
    pub fn position(&self) -> Option<Vec<u64>> {
        if let Source::Stream(stream) = &self.source { Some(stream.position()) } else { None }
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
            Source::Dataset(dataset) => dataset.batch(&[0], &ItemRngs::new(0, 0)),
            Source::Stream(_) => Err(DataError::Stream { what: "sample" }),
        }
    }

    /// How many entries an order of all has; `None` for a stream.
    fn entries(&self) -> Option<usize> {
        match &self.source {
            Source::Prepared { batches, .. } => Some(batches.len()),
            Source::Dataset(dataset) => Some(dataset.len()),
            Source::Stream(_) => None,
        }
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("items", &self.items())
            .field("describe", &self.describe())
            .field("sampler", &self.sampler)
            .field("batch_size", &self.batch_size)
            .field("drop_last", &self.drop_last)
            .field("batches_per_epoch", &self.batches_per_epoch)
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
