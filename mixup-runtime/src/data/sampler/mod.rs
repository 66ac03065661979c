//! Which items an epoch has, in which order.
//!
//! A [`Sampler`] draws the order of an epoch. [`Sampling`] holds the one in use, so that a callback may replace or wrap it for a training.

mod shard;
mod weighted;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rand::seq::SliceRandom as _;
pub use shard::Shard;
pub use weighted::Weighted;

use super::DataError;
use crate::{names::short_type_name, rng::Rng};

/// Draws the order of each epoch: which items come, and in which order.
///
/// An order may have any length, leave items out and repeat others: an epoch has as many batches as it fills. It must not be empty.
///
/// ```
/// use mixup::{data::{DataError, Sampler, Shuffled, TensorDataset, Data}, rng::Rng};
/// use rand::seq::SliceRandom;
/// use tch::{Device, Kind, Tensor};
///
/// /// The first half of the items, shuffled: the second half is still being labelled.
/// struct Half;
///
/// impl Sampler for Half {
///     fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
///         let mut order: Vec<usize> = (0..self.len(items)).collect();
///         order.shuffle(rng);
///         Ok(order)
///     }
///
///     fn len(&self, items: usize) -> usize {
///         items / 2
///     }
/// }
///
/// let numbers = || Tensor::arange(100, (Kind::Float, Device::Cpu));
/// let data = Data::builder(TensorDataset::new(numbers(), numbers())?).batch_size(10).sampler(Half).build()?;
/// assert_eq!(data.train().batches(), Some(5));
/// # Ok::<(), DataError>(())
/// ```
pub trait Sampler: Send + 'static {
    /// The order of an epoch of data with so many items, each from 0 to `items - 1`. Of prepared batches it is the batches that stand in order.
    ///
    /// `rng` is a function of the learner's seed and the epoch, and of nothing else: two learners with one seed draw the same order in the same
    /// epoch, whatever else they do.
    ///
    /// # Errors
    /// Whatever keeps the sampler from drawing; an error of your own goes into [`DataError::other`].
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError>;

    /// How many entries an order has, before it is drawn: all items unless told.
    fn len(&self, items: usize) -> usize {
        items
    }

    /// What messages and listings call it: the type's name unless told.
    fn describe(&self) -> String {
        short_type_name::<Self>()
    }
}

/// All items in the data's own order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InOrder;

impl Sampler for InOrder {
    fn order(&mut self, items: usize, _: &mut Rng) -> Result<Vec<usize>, DataError> {
        Ok((0..items).collect())
    }
}

/// All items, each once, in a new order for each epoch (Fisher–Yates).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shuffled;

impl Sampler for Shuffled {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        let mut order: Vec<usize> = (0..items).collect();
        order.shuffle(rng);
        Ok(order)
    }
}

/// The sampler of the training data. A callback that asks for `sampler: &mut Sampling` may replace or wrap it; the learner restores it when
/// the run ends.
///
/// A change in `on_train_begin` or `on_epoch_begin` takes effect in the epoch that follows, a later one in the next. Clones are the same
/// sampler.
///
/// ```
/// use mixup::{data::{Sampling, Weighted}, prelude::*};
///
/// /// Draws the items that were hard in the last epoch more often.
/// struct Hard {
///     losses: Vec<f64>,
/// }
///
/// #[callback]
/// impl Hard {
///     fn on_epoch_begin(&self, sampler: &mut Sampling) -> Result<(), DataError> {
///         sampler.set(Weighted::new(self.losses.clone())?);
///         Ok(())
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Sampling(Arc<Mutex<dyn Sampler>>);

impl Sampling {
    /// With this sampler in use.
    #[must_use]
    pub fn new(sampler: impl Sampler) -> Self {
        Self(Arc::new(Mutex::new(sampler)))
    }

    /// Uses this sampler from now on.
    pub fn set(&mut self, sampler: impl Sampler) {
        *self = Self::new(sampler);
    }

    /// Uses what `wrap` makes of the sampler in use: `sampler.wrap(|inner| shard.around(inner))`.
    pub fn wrap<S: Sampler>(&mut self, wrap: impl FnOnce(Self) -> S) {
        self.set(wrap(self.clone()));
    }

    /// Whether both are the same sampler, not merely equal ones.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn lock(&self) -> MutexGuard<'_, dyn Sampler> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The order of an epoch, checked: entries that exist, and at least one.
    pub(crate) fn checked_order(&self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        let order = self.lock().order(items, rng)?;
        match order.iter().find(|&&index| index >= items) {
            Some(&index) => Err(DataError::SampledIndex { sampler: self.describe(), index, items }),
            None if order.is_empty() => Err(DataError::EmptyOrder { sampler: self.describe() }),
            None => Ok(order),
        }
    }
}

impl Sampler for Sampling {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        self.lock().order(items, rng)
    }

    fn len(&self, items: usize) -> usize {
        self.lock().len(items)
    }

    fn describe(&self) -> String {
        self.lock().describe()
    }
}

impl fmt::Debug for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sampling").field(&format_args!("{}", self.describe())).finish()
    }
}
