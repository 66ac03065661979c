//! What every mixing callback draws before it mixes: whether this batch is mixed at all, by which weights and with which
//! partners.
//!
//! Sources: the weights from Beta, arXiv:1710.09412, algorithm 1; the maximum of λ and 1−λ, a weight for each item and the
//! permutation, fastai v1 (`fastai/callbacks/mixup.py`); `mode`, `prob` and `off_epoch`, timm (`timm/data/mixup.py`, and
//! `mixup_off_epoch` in its `train.py`).

use rand::{RngExt as _, seq::SliceRandom as _};
use rand_distr::{Beta, Distribution as _};

use super::{Draws, MixUpError, draws::heavier};
use crate::rng::Rng;

/// What one weight is drawn for, named as timm's `mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Each item of a batch, as in fastai.
    #[default]
    Elem,
    /// Each batch, as in the papers and in torchvision.
    Batch,
}

/// How a mixing callback draws. `MixUp` and `CutMix` share it, and your own callbacks can.
///
/// The generator draws the following in this order, and nothing else: a number from 0 to 1 for whether the batch is mixed, if
/// [`prob`](Self::prob) is below 1; a λ for each item in their order, or one for the batch; a permutation by
/// Fisher and Yates ([`SliceRandom::shuffle`](rand::seq::SliceRandom::shuffle)).
///
/// ```
/// use mixup::{callbacks::mixing::{Mode, Pairing}, prelude::*};
/// use tch::Tensor;
///
/// /// Adds a tenth of a partner to each input, and leaves the target alone.
/// struct Ghost(Pairing);
///
/// #[callback]
/// impl Ghost {
///     fn on_batch_begin(&self, last_input: &mut Input, epoch: usize, train: bool, rng: &mut Rng) -> Result<(), String> {
///         let x = last_input.one().map_err(|error| error.to_string())?;
///         if !train { return Ok(()) }
///         let Some(draws) = self.0.draw(last_input.items(), epoch, rng) else { return Ok(()) };
///         let partners: Vec<_> = draws.partners().iter().map(|&partner| partner as i64).collect();
///         *last_input = (x + x.index_select(0, &Tensor::from_slice(&partners)) * 0.1).into();
///         Ok(())
///     }
/// }
///
/// let half_of_the_batches = Pairing::new(1.0)?.mode(Mode::Batch).prob(0.5)?;
/// let data = ImageData::digits()?.build()?;
/// let mut learn =
///     Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).callback(Ghost(half_of_the_batches)).quiet().build()?;
/// learn.fit(1, 1e-3)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pairing {
    a: f64,
    b: f64,
    beta: Beta<f64>,
    heavier: bool,
    mode: Mode,
    prob: f64,
    off_epoch: Option<usize>,
}

impl Pairing {
    /// Weights from Beta(alpha, alpha), one for each item, for every batch of every epoch.
    ///
    /// # Errors
    /// [`MixUpError::Alpha`] if alpha is not a finite number above 0.
    pub fn new(alpha: f64) -> Result<Self, MixUpError> {
        Self::beta(alpha, alpha).map_err(|_| MixUpError::Alpha { alpha })
    }

    /// Weights from Beta(a, b), whose mean is a / (a + b).
    ///
    /// # Errors
    /// [`MixUpError::Beta`] if one of them is not a finite number above 0.
    pub fn beta(a: f64, b: f64) -> Result<Self, MixUpError> {
        let wrong = MixUpError::Beta { a, b };
        if ![a, b].iter().all(|number| number.is_finite() && *number > 0.0) {
            return Err(wrong);
        }
        // Beyond these bounds every draw is 0, 1 or ½ to the last bit of an `f64`, and `rand_distr`, which computes 1/α and α²,
        // would overflow to NaN.
        let [bound_a, bound_b] = [a, b].map(|number| number.clamp(1e-300, 1e150));
        let beta = Beta::new(bound_a, bound_b).map_err(|_| wrong)?;
        Ok(Self { a, b, beta, heavier: false, mode: Mode::default(), prob: 1.0, off_epoch: None })
    }

    /// A pairing with the default alpha of a callback.
    pub(super) fn by_default(alpha: f64) -> Self {
        // Beta rejects only an alpha that is not above 0, and every default is above 0.
        let beta = Beta::new(alpha, alpha).expect("a default alpha is above 0");
        Self { a: alpha, b: alpha, beta, heavier: false, mode: Mode::default(), prob: 1.0, off_epoch: None }
    }

    /// Whether max(λ, 1−λ) is taken for λ, so that an item is always the heavier part of its blend. Defaults to false, and to true
    /// in [`MixUp`](super::MixUp), as in fastai.
    #[must_use]
    pub fn heavier(mut self, heavier: bool) -> Self {
        self.heavier = heavier;
        self
    }

    /// Whether each item has its own weight or each batch has one. Defaults to [`Mode::Elem`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The probability that a batch is mixed. Defaults to 1.
    ///
    /// # Errors
    /// [`MixUpError::Probability`] for anything but 0 to 1.
    pub fn prob(mut self, prob: f64) -> Result<Self, MixUpError> {
        self.prob = probability("prob", prob)?;
        Ok(self)
    }

    /// The first epoch, counted from 0 in each training, from which on nothing is mixed. By default there is none.
    #[must_use]
    pub fn off_epoch(mut self, epoch: usize) -> Self {
        self.off_epoch = Some(epoch);
        self
    }

    /// The draws for a batch of so many items in this epoch; `None` if it is not mixed.
    pub fn draw(&self, items: usize, epoch: usize, rng: &mut Rng) -> Option<Draws> {
        let off = self.off_epoch.is_some_and(|off| epoch >= off);
        if off || (self.prob < 1.0 && !chance(self.prob, rng)) {
            return None;
        }
        Some(self.draws(items, rng))
    }

    /// The draws for a batch that is mixed.
    pub(super) fn draws(&self, items: usize, rng: &mut Rng) -> Draws {
        let mut weight = || {
            let lambda = self.beta.sample(rng);
            if self.heavier { heavier(lambda) } else { lambda }
        };
        let weights = match self.mode {
            Mode::Elem => (0..items).map(|_| weight()).collect(),
            Mode::Batch => vec![weight(); items],
        };
        let mut partners: Vec<_> = (0..items).collect();
        partners.shuffle(rng);
        Draws { weights, partners }
    }

    /// The parameters of the Beta distribution, as given.
    #[must_use]
    pub fn ab(&self) -> (f64, f64) {
        (self.a, self.b)
    }

    /// What one weight is drawn for.
    pub(super) fn per(&self) -> Mode {
        self.mode
    }
}

/// A probability, or the error that rejects it.
pub(super) fn probability(name: &'static str, value: f64) -> Result<f64, MixUpError> {
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(MixUpError::Probability { name, value }) }
}

/// True with this probability; draws one number from 0 to 1.
pub(super) fn chance(probability: f64, rng: &mut Rng) -> bool {
    rng.random::<f64>() < probability
}

/// The options of a [`Pairing`], for a callback that has one in its field `pairing`.
macro_rules! pairing_options {
    ($callback:ident) => {
        impl $callback {
            /// Draws by this pairing, which replaces the options given before.
            #[must_use]
            pub fn pairing(mut self, pairing: $crate::callbacks::mixing::Pairing) -> Self {
                self.pairing = pairing;
                self
            }

            /// Whether each item of a batch has its own weight or each batch has one: timm's `mode`.
            #[must_use]
            pub fn mode(mut self, mode: $crate::callbacks::mixing::Mode) -> Self {
                self.pairing = self.pairing.mode(mode);
                self
            }

            /// The probability that a batch is mixed: timm's `prob`. Defaults to 1. A batch that is not mixed stays as it is, and so
            /// does its target.
            ///
            /// # Errors
            /// [`MixUpError::Probability`]($crate::callbacks::mixing::MixUpError::Probability) for anything but 0 to 1.
            pub fn prob(mut self, prob: f64) -> Result<Self, $crate::callbacks::mixing::MixUpError> {
                self.pairing = self.pairing.prob(prob)?;
                Ok(self)
            }

            /// The first epoch, counted from 0 in each training, from which on nothing is mixed. By default there is none. It is
            /// timm's `mixup_off_epoch`, except that 0 means the first epoch and not none.
            #[must_use]
            pub fn off_epoch(mut self, epoch: usize) -> Self {
                self.pairing = self.pairing.off_epoch(epoch);
                self
            }

            /// Whether an item's weight is max(λ, 1−λ), so that it is always the heavier part of its blend.
            #[must_use]
            pub fn heavier(mut self, heavier: bool) -> Self {
                self.pairing = self.pairing.heavier(heavier);
                self
            }
        }
    };
}
pub(super) use pairing_options;
