//! What chance decides for a batch: each item's weight, and its partner.

use rand::seq::SliceRandom as _;
use rand_distr::{Beta, Distribution as _};

use super::MixUpError;
use crate::Rng;

/// The weights and partners for one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    /// Each item's own weight, between 0.5 and 1: its partner has one minus it.
    weights: Vec<f64>,
    /// A permutation: item `i` is mixed with item `partners[i]`.
    partners: Vec<usize>,
}

impl Draws {
    /// Draws that are given: λ for each item, of which max(λ, 1−λ) is taken, and a permutation.
    ///
    /// # Errors
    /// [`MixUpError`]: lengths that differ, a λ outside of 0 to 1, partners that are no permutation.
    pub fn new(lambdas: Vec<f64>, partners: Vec<usize>) -> Result<Self, MixUpError> {
        if lambdas.len() != partners.len() {
            return Err(MixUpError::DrawsLengths { weights: lambdas.len(), partners: partners.len() });
        }
        if let Some((item, &weight)) = lambdas.iter().enumerate().find(|(_, weight)| !(0.0..=1.0).contains(*weight)) {
            return Err(MixUpError::Weight { item, weight });
        }
        let mut taken = vec![false; partners.len()];
        for (item, &partner) in partners.iter().enumerate() {
            match taken.get_mut(partner) {
                Some(taken) if !*taken => *taken = true,
                _ => return Err(MixUpError::Partner { item, partner, last: partners.len().saturating_sub(1) }),
            }
        }
        Ok(Self { weights: lambdas.into_iter().map(heavier).collect(), partners })
    }

    /// Draws from a generator: λ from Beta(alpha, alpha) for each item, and a random permutation.
    ///
    /// # Errors
    /// [`MixUpError::Alpha`].
    pub fn random(items: usize, alpha: f64, rng: &mut Rng) -> Result<Self, MixUpError> {
        let beta = Self::check(alpha)?;
        let weights = (0..items).map(|_| heavier(beta.sample(rng))).collect();
        let mut partners: Vec<_> = (0..items).collect();
        partners.shuffle(rng);
        Ok(Self { weights, partners })
    }

    /// The distribution for an alpha, if there is one.
    pub(super) fn check(alpha: f64) -> Result<Beta<f64>, MixUpError> {
        let wrong = MixUpError::Alpha { alpha };
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(wrong);
        }
        // Beyond these bounds every draw is 0 or 1, or ½, to the last bit of an f64; and `rand_distr`, which computes 1/α and
        // α², would overflow to NaN.
        let alpha = alpha.clamp(1e-300, 1e150);
        Beta::new(alpha, alpha).map_err(|_| wrong)
    }

    /// How many items they are for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether they are for an empty batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Each item's own weight, 0.5 to 1.
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

/// An item is always the heavier part of its blend (fastai v1): two blends of the same pair never come out alike.
fn heavier(lambda: f64) -> f64 {
    lambda.max(1.0 - lambda)
}
