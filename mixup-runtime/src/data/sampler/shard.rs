//! One part of an order that several learners divide among themselves.

use super::{DataError, Sampler, Shuffled};
use crate::{rng::Rng, state::Stateful};

/// Draws one of several shards of a common order: no entry is in two shards, and together they have all.
///
/// Learners with the same seed draw the same common order in the same epoch, and each takes the entries `rank`, `rank + of`,
/// `rank + 2 * of`, … of it. If the order can't be divided evenly, the first shards have one entry more than the others. Learners
/// that wait for each other after each batch need [`even`](Self::even) shards.
///
/// ```
/// use mixup::{data::{DataError, Sampler, Shard}, rng::Rng};
/// use rand::SeedableRng;
///
/// let shard = |rank| Shard::new(rank, 2)?.order(5, &mut Rng::seed_from_u64(42));
/// let (first, second): (Vec<usize>, Vec<usize>) = (shard(0)?, shard(1)?);
/// assert_eq!((first.len(), second.len()), (3, 2));
/// let mut all = [first, second].concat();
/// all.sort_unstable();
/// assert_eq!(all, [0, 1, 2, 3, 4]);
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard<S = Shuffled> {
    inner: S,
    rank: usize,
    of: usize,
    even: bool,
}

impl Shard {
    /// Creates shard `rank`, counted from 0, of `of` shards of a common shuffle.
    ///
    /// # Errors
    /// [`DataError::Shard`] if there is no such shard.
    pub fn new(rank: usize, of: usize) -> Result<Self, DataError> {
        if rank < of { Ok(Self { inner: Shuffled, rank, of, even: false }) } else { Err(DataError::Shard { rank, of }) }
    }
}

impl<S> Shard<S> {
    /// Draws the shard from the order of another sampler.
    #[must_use]
    pub fn around<T: Sampler>(self, inner: T) -> Shard<T> {
        Shard { inner, rank: self.rank, of: self.of, even: self.even }
    }

    /// Sets whether all shards have the same number of entries: what is left over at the end of the common order is then in none
    /// of them. Defaults to false.
    #[must_use]
    pub fn even(self, even: bool) -> Self {
        Self { even, ..self }
    }
}

impl<S: Sampler> Sampler for Shard<S> {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        let mut common = self.inner.order(items, rng)?;
        if self.even {
            common.truncate(common.len() / self.of * self.of);
        }
        Ok(common.into_iter().skip(self.rank).step_by(self.of).collect())
    }

    fn len(&self, items: usize) -> usize {
        let common = self.inner.len(items);
        if self.even { common / self.of } else { common.saturating_sub(self.rank).div_ceil(self.of) }
    }

    fn describe(&self) -> String {
        format!("shard {} of {} of {}", self.rank, self.of, self.inner.describe())
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.inner.stateful()
    }

    fn is_stateless(&self) -> bool {
        self.inner.is_stateless()
    }
}
