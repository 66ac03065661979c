//! What is drawn for a batch: each item's weight and its partner.

use super::{MixUpError, Pairing};
use crate::rng::Rng;

/// The weights and partners for one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    /// Each item's own weight, between 0 and 1; its partner's weight is one minus that.
    pub(super) weights: Vec<f64>,
    /// A permutation: item `i` is mixed with item `partners[i]`.
    pub(super) partners: Vec<usize>,
}

impl Draws {
    /// The given draws: λ for each item, of which max(λ, 1−λ) is taken as in fastai, and a permutation.
    ///
    /// # Errors
    /// [`MixUpError`] for lengths that differ, a λ outside of 0 to 1 and partners that are not a permutation.
    pub fn new(lambdas: Vec<f64>, partners: Vec<usize>) -> Result<Self, MixUpError> {
        let Self { weights, partners } = Self::with_weights(lambdas, partners)?;
        Ok(Self { weights: weights.into_iter().map(heavier).collect(), partners })
    }

    /// The given draws: each item's own weight as it is, from 0 to 1, and a permutation.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_weights(weights: Vec<f64>, partners: Vec<usize>) -> Result<Self, MixUpError> {
        if weights.len() != partners.len() {
            return Err(MixUpError::DrawsLengths { weights: weights.len(), partners: partners.len() });
        }
        if let Some((item, &weight)) = weights.iter().enumerate().find(|(_, weight)| !(0.0..=1.0).contains(*weight)) {
            return Err(MixUpError::Weight { item, weight });
        }
        permutation(&partners)?;
        Ok(Self { weights, partners })
    }

    /// Draws from a generator, as [`MixUp`](super::MixUp) does by default: max(λ, 1−λ) with λ from Beta(alpha, alpha) for each item
    /// in turn, and then a random permutation.
    ///
    /// # Errors
    /// [`MixUpError::Alpha`].
    pub fn random(items: usize, alpha: f64, rng: &mut Rng) -> Result<Self, MixUpError> {
        Ok(Pairing::new(alpha)?.heavier(true).draws(items, rng))
    }

    /// The number of items that they are for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether they are for an empty batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Each item's own weight, from 0 to 1, or from 0.5 to 1 if max(λ, 1−λ) was taken.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Each item's partner.
    #[must_use]
    pub fn partners(&self) -> &[usize] {
        &self.partners
    }
}

/// Makes an item the heavier part of its blend (fastai v1), so that two blends of the same pair never come out alike.
pub(super) fn heavier(lambda: f64) -> f64 {
    lambda.max(1.0 - lambda)
}

/// Rejects partners that are not a permutation.
pub(super) fn permutation(partners: &[usize]) -> Result<(), MixUpError> {
    let mut taken = vec![false; partners.len()];
    for (item, &partner) in partners.iter().enumerate() {
        match taken.get_mut(partner) {
            Some(taken) if !*taken => *taken = true,
            _ => return Err(MixUpError::Partner { item, partner, last: partners.len().saturating_sub(1) }),
        }
    }
    Ok(())
}
