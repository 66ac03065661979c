//! Draws items at random, some of them more often than others.

use std::fmt;

use rand::RngExt as _;

use super::{DataError, Sampler};
use crate::rng::Rng;

/// Draws each entry of an order independently, each item with a probability proportional to its weight. An epoch may have an item
/// several times, or not at all.
///
/// For classes of very different sizes, use one over the size of its class as the weight of each item.
///
/// ```
/// use mixup::{data::{DataError, Sampler, Weighted}, rng::Rng};
/// use rand::SeedableRng;
///
/// let mut sampler = Weighted::new([1.0, 0.0, 3.0])?.draws(1000); // 1000 draws in an epoch, not 3
/// let order = sampler.order(3, &mut Rng::seed_from_u64(0))?;
/// let count = |item| order.iter().filter(|&&other| other == item).count();
/// assert!((700..800).contains(&count(2)) && count(1) == 0);
/// # Ok::<(), DataError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Weighted {
    /// The sum of the weights up to each item.
    sums: Vec<f64>,
    draws: Option<usize>,
}

impl Weighted {
    /// Creates a sampler from a weight for each item, in the data's own order. The weights may have any sum.
    ///
    /// # Errors
    /// [`DataError::Weight`] for a weight that is negative or not finite, or with which the sum overflows;
    /// [`DataError::NoWeight`] if all are 0.
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Result<Self, DataError> {
        let (mut sums, mut sum) = (Vec::new(), 0.0);
        for (index, weight) in weights.into_iter().enumerate() {
            sum += weight;
            if weight.is_nan() || weight < 0.0 || sum.is_infinite() {
                return Err(DataError::Weight { index, weight });
            }
            sums.push(sum);
        }
        if sum > 0.0 { Ok(Self { sums, draws: None }) } else { Err(DataError::NoWeight) }
    }

    /// Sets how many items are drawn for an epoch. Defaults to the number of items.
    #[must_use]
    pub fn draws(self, draws: usize) -> Self {
        Self { draws: Some(draws), ..self }
    }
}

impl Sampler for Weighted {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        if self.sums.len() != items {
            return Err(DataError::Weights { weights: self.sums.len(), items });
        }
        let total = self.sums.last().copied().unwrap_or_default();
        let draw = |_| {
            let point = rng.random::<f64>() * total; // always below the total, to the last bit
            self.sums.partition_point(|&sum| sum <= point)
        };
        Ok((0..self.len(items)).map(draw).collect())
    }

    fn len(&self, items: usize) -> usize {
        self.draws.unwrap_or(items)
    }

    fn is_stateless(&self) -> bool {
        true
    }
}

/// Shows no weights, since there are as many as items.
impl fmt::Debug for Weighted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weighted").field("items", &self.sums.len()).field("draws", &self.draws).finish()
    }
}
