//! Cuts data into batches.
//!
//! A loader keeps no state between batches: the caller draws an order for each epoch and asks for batch k of it. So a
//! training that was saved in the middle of an epoch needs only the order and the number to continue. Only a stream keeps
//! its position, which is its state.

use std::fmt;

use super::{
    DataError, Dataset, InOrder, Sampler, Sampling, Shuffled, Stream,
    ahead::Ahead,
    dataset::{describe, unnamed},
};
use crate::{
    batch::{Batch, Input, Target, items},
    rng::{ItemRngs, Rng},
    state::Stateful,
};

/// Where batches come from.
enum Source {
    /// Batches are gathered from a data set.
    Dataset(Box<dyn Dataset>),
    /// Batches were prepared and are returned one after another.
    Prepared { batches: Vec<Batch>, items: usize },
    /// Batches come from a stream.
    Stream(Box<dyn Stream>),
}

/// Cuts data into batches: the items of a data set in the order of a [`Sampler`], prepared batches, or a [`Stream`].
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
    /// The threads that gather batches ahead.
    ahead: Option<Ahead>,
}

impl Loader {
    /// Creates a loader for batches of `batch_size` items of `dataset`, in its own order. The last batch is smaller if the
    /// items do not divide evenly.
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
            _ if !dataset.labelled() && ["training", "validation"].contains(&part) => {
                Err(DataError::NoTargets { part })
            }
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
        Self {
            source,
            sampler: Sampling::new(InOrder),
            batch_size,
            drop_last: false,
            batches_per_epoch: None,
            ahead: None,
        }
    }

    /// Sets whether each epoch has its own order ([`Shuffled`], otherwise [`InOrder`]). Prepared batches and streams keep their order.
    #[must_use]
    pub fn shuffle(self, shuffle: bool) -> Self {
        match self.source {
            Source::Dataset(_) if shuffle => self.sampler(Shuffled),
            _ => self.sampler(InOrder),
        }
    }

    /// Sets the sampler, which draws the items of an epoch and their order. Defaults to [`InOrder`]. For prepared batches it draws
    /// batches, not their items.
    #[must_use]
    pub fn sampler(mut self, sampler: impl Sampler) -> Self {
        self.sampler.set(sampler);
        self
    }

    /// Sets whether the last batch is left out if it has fewer items than the others. Prepared batches are never left out.
    #[must_use]
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// How many entries of an order make a batch: the batch size, or 1 for prepared batches, whose order is one of batches.
    #[must_use]
    pub fn entries_per_batch(&self) -> usize {
        if matches!(self.source, Source::Prepared { .. }) { 1 } else { self.batch_size.max(1) }
    }

    /// Whether the last batch is left out if it has fewer items than the others.
    #[must_use]
    pub fn drops_last(&self) -> bool {
        self.drop_last
    }

    /// Sets how many threads gather batches ahead, while those before them are in use: at most two for each thread. With 0, the default, a batch is
    /// gathered when it is asked for. Whatever the number, the batches have the same bits and come in the same order.
    ///
    /// This is for items that are made one by one ([`Items`](super::Items)), and for data sets with
    /// [`for_threads`](super::Dataset::for_threads); other data is in memory and has no threads.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.ahead = match &self.source {
            Source::Dataset(dataset) if workers > 0 => {
                dataset.for_threads().map(|dataset| Ahead::new(dataset, workers, self.batch_size.max(1)))
            }
            _ => None,
        };
        self
    }

    /// Ends the threads that gather batches ahead. They begin again when a batch is asked for.
    pub(crate) fn rest(&self) {
        self.ahead.iter().for_each(Ahead::stop);
    }

    /// Sets how many batches an epoch has at most.
    #[must_use]
    pub(crate) fn batches_per_epoch(mut self, batches: Option<usize>) -> Self {
        self.batches_per_epoch = batches;
        self
    }

    /// How many batches an epoch has; for a stream, how many it has at most: `None` if there is no bound.
    #[must_use]
    pub fn batches(&self) -> Option<usize> {
        match self.entries() {
            Some(entries) => Some(self.filled_by(self.sampler.len(entries))),
            None => self.batches_per_epoch,
        }
    }

    /// How many batches an epoch in this `order` has; for a stream, how many it has at most: `usize::MAX` if there is no bound.
    #[must_use]
    pub fn batches_in(&self, order: &[usize]) -> usize {
        match &self.source {
            Source::Stream(_) => self.batches_per_epoch.unwrap_or(usize::MAX),
            _ => self.filled_by(order.len()),
        }
    }

    /// How many batches an order with `entries` entries fills.
    fn filled_by(&self, entries: usize) -> usize {
        let filled = match &self.source {
            Source::Prepared { .. } => entries,
            _ if self.drop_last => entries / self.batch_size,
            _ => entries.div_ceil(self.batch_size),
        };
        filled.min(self.batches_per_epoch.unwrap_or(usize::MAX))
    }

    /// How many items there are, including those that `drop_last` or a sampler leaves out; `None` for a stream.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        match &self.source {
            Source::Prepared { items, .. } => Some(*items),
            Source::Dataset(dataset) => Some(dataset.len()),
            Source::Stream(_) => None,
        }
    }

    /// How many items a batch has; for prepared batches, how many the first one has. A stream makes its batches itself.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Whether each batch is newly made and nothing else holds its memory: as the data set or the stream says; false for prepared batches.
    #[must_use]
    pub fn fresh(&self) -> bool {
        match &self.source {
            Source::Prepared { .. } => false,
            Source::Dataset(dataset) => dataset.fresh(),
            Source::Stream(stream) => stream.fresh(),
        }
    }

    /// Whether the items have targets, as the data set says.
    #[must_use]
    pub fn labelled(&self) -> bool {
        if let Source::Dataset(dataset) = &self.source { dataset.labelled() } else { true }
    }

    /// Describes the items: "images of 3×28×28".
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

    /// The sampler, with which a learner begins each run.
    #[must_use]
    pub fn sampling(&self) -> &Sampling {
        &self.sampler
    }

    /// Draws the order of one epoch with the sampler. A stream has no order, so it is empty.
    ///
    /// # Errors
    /// The sampler's errors, [`DataError::SampledIndex`] if it chose an item that is not there, [`DataError::EmptyOrder`] if it chose too few for
    /// a batch.
    pub fn order(&self, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        self.order_by(&self.sampler, rng)
    }

    /// Draws the order of one epoch with another sampler.
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

    /// Returns batch `k` of an epoch in this `order`, counted from 0. The same order, number and `rngs` always give the same batch.
    ///
    /// # Errors
    /// [`DataError::BatchIndex`] for a batch that is not there, [`DataError::Index`] for an item that is not there,
    /// [`DataError::WrongBatch`] if a data set returns another number of items than it was asked for, [`DataError::Stream`] for a
    /// stream, and any error of the data set.
    pub fn batch(&self, order: &[usize], k: usize, rngs: &ItemRngs) -> Result<Batch, DataError> {
        let batches = self.batches_in(order);
        if k >= batches {
            return Err(DataError::BatchIndex { batch: k, batches });
        }
        self.gather_of(batches, order, k, rngs)
    }

    /// The same, also of a last batch that `drop_last` leaves out, and beyond the bound on the batches of an epoch.
    pub(crate) fn gather(&self, order: &[usize], k: usize, rngs: &ItemRngs) -> Result<Batch, DataError> {
        self.gather_of(self.batches_of_all(order), order, k, rngs)
    }

    /// Gathers batch `k` of the `batches` that will be asked for.
    fn gather_of(&self, batches: usize, order: &[usize], k: usize, rngs: &ItemRngs) -> Result<Batch, DataError> {
        let missing = || DataError::BatchIndex { batch: k, batches: self.batches_of_all(order) };
        match &self.source {
            Source::Prepared { batches, .. } => {
                let index = *order.get(k).ok_or_else(missing)?;
                let batch = batches.get(index).ok_or(DataError::Index { index, items: batches.len() })?;
                Ok(share(batch))
            }
            Source::Dataset(dataset) => {
                let indices = order.chunks(self.batch_size.max(1)).nth(k).ok_or_else(missing)?;
                if let Some(ahead) = &self.ahead {
                    return ahead.batch(order, k, batches, rngs);
                }
                batch_of(&**dataset, indices, rngs)
            }
            Source::Stream(_) => Err(DataError::Stream { what: "batch by number" }),
        }
    }

    /// The order of all entries, whatever the sampler, for a run over the whole of the training data.
    pub(crate) fn order_of_all(&self) -> Result<Vec<usize>, DataError> {
        let entries = self.entries().ok_or(DataError::Stream { what: "order of its items" })?;
        Ok((0..entries).collect())
    }

    /// How many batches this order of all entries has, with the smaller one at the end.
    pub(crate) fn batches_of_all(&self, order: &[usize]) -> usize {
        match &self.source {
            Source::Prepared { .. } => order.len(),
            _ => order.len().div_ceil(self.batch_size.max(1)),
        }
    }

    /// Returns batch `k` of an epoch; each must be asked for once, in turn. `None` if a stream ends.
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

    /// The state of a stream; other data begin anew in each epoch and have none.
    pub(crate) fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        if let Source::Stream(stream) = &mut self.source { Some(&mut **stream) } else { None }
    }

    /// Whether each process that trains has another state of this data.
    pub(crate) fn has_own_state(&self) -> bool {
        matches!(&self.source, Source::Stream(stream) if !stream.is_common())
    }

    /// The name of an item, counted from 0 in the data's own order: the path of a picture's file, or `item 17` of data that has no names.
    #[must_use]
    pub fn name(&self, item: usize) -> String {
        match &self.source {
            Source::Dataset(dataset) => dataset.name(item),
            Source::Prepared { .. } | Source::Stream(_) => unnamed(item),
        }
    }

    /// Returns the first item as a batch of one, or the first prepared batch, to see shapes before a training.
    ///
    /// # Errors
    /// As for [`batch`](Self::batch).
    pub fn sample(&self) -> Result<Batch, DataError> {
        match &self.source {
            Source::Prepared { batches, .. } => {
                batches.first().map(share).ok_or(DataError::Index { index: 0, items: 0 })
            }
            Source::Dataset(dataset) => dataset.batch(&[0], &ItemRngs::new(0, 0)),
            Source::Stream(_) => Err(DataError::Stream { what: "sample" }),
        }
    }

    /// Returns all items as one batch, in the data's own order, whatever the sampler and the batch size: to look at them, or to make other data
    /// of them. What is random in the items is the same in each call. Prepared batches are joined.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// let all = ImageData::digits()?.build()?.train().all()?;
    /// assert_eq!(all.input.one()?.size(), [1437, 1, 8, 8]);
    /// assert_eq!(all.target.tensor().size(), [1437]);
    /// # Ok::<(), BoxError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Stream`] for a stream, any error of the data set, and prepared batches that do not fit together.
    pub fn all(&self) -> Result<Batch, DataError> {
        match &self.source {
            Source::Prepared { batches, .. } => join(batches),
            Source::Dataset(dataset) => {
                let all: Vec<_> = (0..dataset.len()).collect();
                batch_of(&**dataset, &all, &ItemRngs::new(0, 0))
            }
            Source::Stream(_) => Err(DataError::Stream { what: "batch of all its items" }),
        }
    }

    /// The shape of one item: `[1, 28, 28]` for inputs of `[n, 1, 28, 28]`. Of several inputs it is that of the first.
    ///
    /// # Errors
    /// As for [`sample`](Self::sample).
    pub fn item_shape(&self) -> Result<Vec<i64>, DataError> {
        let sample = self.sample()?;
        Ok(sample.input.tensors().first().map_or_else(Vec::new, |tensor| tensor.size().split_off(1)))
    }

    /// How many entries an order of everything has; `None` for a stream.
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

/// The batch of these items of a data set, which must have as many.
pub(super) fn batch_of(dataset: &dyn Dataset, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
    let batch = dataset.batch(indices, rngs)?;
    let (asked, (input, target)) = (indices.len(), batch_items(&batch));
    if input != asked || (target != asked && dataset.labelled()) {
        return Err(DataError::WrongBatch { asked, input, target });
    }
    Ok(batch)
}

/// The items of several batches as one.
fn join(batches: &[Batch]) -> Result<Batch, DataError> {
    let inputs: Vec<_> = batches.iter().map(|batch| &batch.input).collect();
    let targets: Vec<_> = batches.iter().map(|batch| batch.target.shallow_clone()).collect();
    Ok(Batch { input: Input::join(&inputs)?, target: Target::join(&targets)? })
}

/// How many items the input and the target of a batch have. If the tensors of one of them disagree, its number is one that
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

/// A batch that shares its tensors with this one.
fn share(batch: &Batch) -> Batch {
    Batch { input: Input::from(&batch.input), target: batch.target.shallow_clone() }
}
