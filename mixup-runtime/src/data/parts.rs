//! Data sets that are made of others: several one after another, or some of the items of one.

use std::sync::Arc;

use super::{DataError, Dataset, dataset::unnamed, loader::batch_of};
use crate::{
    batch::{Batch, Input, Target},
    rng::ItemRngs,
};

/// Several data sets, one after another, as one. Their items must be alike.
///
/// ```
/// use mixup::{data::Concat, prelude::*};
///
/// let digits = || ImageData::digits()?.build();
/// let all = |part: &mixup::data::Loader| -> Result<_, BoxError> {
///     let all = part.all()?;
///     Ok(TensorDataset::new(all.input.one()?.shallow_clone(), all.target.tensor().shallow_clone())?)
/// };
/// let both = Concat::new([all(digits()?.train())?, all(digits()?.valid().ok_or("it is there")?)?]);
/// assert_eq!(Data::builder(both).build()?.train().items(), Some(1797));
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Concat<D>(Vec<D>);

impl<D: Dataset> Concat<D> {
    /// Puts data sets of one type one after another; a `Box<dyn Dataset>` is any.
    pub fn new(parts: impl IntoIterator<Item = D>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// The part that has an item, and the index of the part's first item.
    fn place(&self, index: usize) -> Result<(&D, usize), DataError> {
        let mut first = 0;
        for part in &self.0 {
            if index < first + part.len() {
                return Ok((part, first));
            }
            first += part.len();
        }
        Err(DataError::Index { index, items: first })
    }
}

impl<D: Dataset + 'static> Dataset for Concat<D> {
    fn len(&self) -> usize {
        self.0.iter().map(Dataset::len).sum()
    }

    /// An item draws from the generator of its index among all items.
    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
        // Items of one part that follow each other are gathered at once.
        let mut runs: Vec<(&D, usize, Vec<usize>)> = Vec::new();
        for &index in indices {
            let (part, first) = self.place(index)?;
            match runs.last_mut().filter(|(_, other, _)| *other == first) {
                Some((.., run)) => run.push(index - first),
                None => runs.push((part, first, vec![index - first])),
            }
        }
        let gather = |(part, first, run): &(&D, usize, Vec<usize>)| batch_of(*part, run, &rngs.shifted(*first));
        let batches = runs.iter().map(gather).collect::<Result<Vec<_>, _>>()?;
        let inputs: Vec<_> = batches.iter().map(|batch| &batch.input).collect();
        let targets: Vec<_> = batches.iter().map(|batch| batch.target.shallow_clone()).collect();
        Ok(Batch { input: Input::join(&inputs)?, target: Target::join(&targets)? })
    }

    fn labelled(&self) -> bool {
        self.0.iter().all(Dataset::labelled)
    }

    fn for_threads(&self) -> Option<Arc<dyn Dataset + Sync>> {
        let parts = self.0.iter().map(Dataset::for_threads).collect::<Option<Vec<_>>>()?;
        Some(Arc::new(Concat(parts)))
    }

    fn name(&self, index: usize) -> String {
        self.place(index).map_or_else(|_| unnamed(index), |(part, first)| part.name(index - first))
    }

    fn describe(&self) -> String {
        self.0.first().map_or_else(|| "items".to_owned(), Dataset::describe)
    }
}

/// Some of the items of a data set, in any order; an item may be there several times.
///
/// ```
/// use mixup::{data::Subset, prelude::*};
/// use tch::{Device, Kind, Tensor};
///
/// let numbers = || Tensor::arange(100, (Kind::Float, Device::Cpu));
/// let hundred = TensorDataset::new(numbers(), numbers())?;
/// let even = Subset::new(hundred, (0..100).step_by(2))?;
/// assert_eq!(even.len(), 50);
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Subset<D> {
    whole: D,
    indices: Arc<[usize]>,
}

impl<D: Dataset> Subset<D> {
    /// Chooses items by their indices in the whole.
    ///
    /// # Errors
    /// [`DataError::Index`] for an item that is not there.
    pub fn new(whole: D, indices: impl IntoIterator<Item = usize>) -> Result<Self, DataError> {
        let (indices, items): (Arc<[usize]>, usize) = (indices.into_iter().collect(), whole.len());
        match indices.iter().find(|&&index| index >= items) {
            Some(&index) => Err(DataError::Index { index, items }),
            None => Ok(Self { whole, indices }),
        }
    }
}

impl<D: Dataset + 'static> Dataset for Subset<D> {
    fn len(&self) -> usize {
        self.indices.len()
    }

    /// An item draws from the generator of its index in the whole.
    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
        let items = self.indices.len();
        let own = |&index: &usize| self.indices.get(index).copied().ok_or(DataError::Index { index, items });
        self.whole.batch(&indices.iter().map(own).collect::<Result<Vec<_>, _>>()?, rngs)
    }

    fn fresh(&self) -> bool {
        self.whole.fresh()
    }

    fn labelled(&self) -> bool {
        self.whole.labelled()
    }

    fn for_threads(&self) -> Option<Arc<dyn Dataset + Sync>> {
        let whole = self.whole.for_threads()?;
        Some(Arc::new(Subset { whole, indices: Arc::clone(&self.indices) }))
    }

    fn name(&self, index: usize) -> String {
        self.indices.get(index).map_or_else(|| unnamed(index), |own| self.whole.name(*own))
    }

    fn describe(&self) -> String {
        self.whole.describe()
    }
}
