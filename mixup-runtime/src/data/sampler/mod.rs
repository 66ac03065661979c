//! Samplers: which items an epoch has, and in which order.
//!
//! A [`Sampler`] draws the order of an epoch. A [`Sampling`] holds the current sampler, so that a callback may replace or wrap it
//! for a training.

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
use crate::{
    names::short_type_name,
    rng::Rng,
    state::{State, StateError, Stateful},
};

/// Draws the order of each epoch: which items it has, and in which order.
///
/// An order may have any length, leave items out and repeat others; it must not be empty. An epoch has as many batches as its
/// order fills.
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
    /// Returns the order of an epoch for data with `items` items; each entry is from 0 to `items - 1`. For prepared batches it is
    /// an order of batches.
    ///
    /// `rng` is a function of the learner's seed and the epoch only: two learners with the same seed draw the same order in the same epoch,
    /// whatever else they do.
    ///
    /// # Errors
    /// If the sampler can't draw an order. Wrap your own errors with [`DataError::other`].
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError>;

    /// How many entries an order will have, before it is drawn. Defaults to all items.
    fn len(&self, items: usize) -> usize {
        items
    }

    /// The name for messages and listings. Defaults to the name of the type.
    fn describe(&self) -> String {
        short_type_name::<Self>()
    }

    /// Returns `Some(self)` if the sampler is [`Stateful`]: the learner then saves and loads what it remembers. Defaults to
    /// `None`.
    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }

    /// Whether a training that goes on after a break needs nothing that the sampler remembers. A learner with checkpoints refuses
    /// a sampler that is neither stateless nor [`stateful`](Self::stateful). Defaults to whether it has nothing to remember in: a
    /// type without fields.
    fn is_stateless(&self) -> bool {
        size_of_val(self) == 0
    }
}

/// Draws all items in the data's own order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InOrder;

impl Sampler for InOrder {
    fn order(&mut self, items: usize, _: &mut Rng) -> Result<Vec<usize>, DataError> {
        Ok((0..items).collect())
    }
}

/// Draws all items, each once, in a new order for each epoch (Fisher–Yates).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shuffled;

impl Sampler for Shuffled {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        let mut order: Vec<usize> = (0..items).collect();
        order.shuffle(rng);
        Ok(order)
    }
}

/// The sampler of the training data. A callback that asks for `sampler: &mut Sampling` may replace or wrap it; the learner
/// restores it when the run ends.
///
/// A change in `on_train_begin` or `on_epoch_begin` takes effect in the epoch that follows; a later change takes effect in the
/// next epoch. Clones share the sampler.
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
    /// Creates a `Sampling` that uses this sampler.
    #[must_use]
    pub fn new(sampler: impl Sampler) -> Self {
        Self(Arc::new(Mutex::new(sampler)))
    }

    /// Uses this sampler from now on.
    pub fn set(&mut self, sampler: impl Sampler) {
        *self = Self::new(sampler);
    }

    /// Replaces the current sampler with what `wrap` makes of it: `sampler.wrap(|inner| shard.around(inner))`.
    pub fn wrap<S: Sampler>(&mut self, wrap: impl FnOnce(Self) -> S) {
        self.set(wrap(self.clone()));
    }

    /// Whether both are the same sampler, and not merely equal ones.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn lock(&self) -> MutexGuard<'_, dyn Sampler> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the order of an epoch and checks it: all entries are in range, and there is at least one.
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

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        let has_state = self.lock().stateful().is_some();
        has_state.then_some(self)
    }

    fn is_stateless(&self) -> bool {
        self.lock().is_stateless()
    }
}

/// The state of the sampler in use.
impl Stateful for Sampling {
    fn version(&self) -> u32 {
        self.lock().stateful().version()
    }

    fn save(&self) -> Result<State, StateError> {
        self.lock().stateful().save()
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.lock().stateful().load(state)
    }
}

impl fmt::Debug for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sampling").field(&format_args!("{}", self.describe())).finish()
    }
}
