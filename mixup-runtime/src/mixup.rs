//! MixUp: train on blends of two items, with both their targets.
//!
//! Source: Zhang, Cisse, Dauphin, Lopez-Paz, «mixup: Beyond Empirical Risk Minimization», arXiv:1710.09412, in the form of
//! fastai v1's `MixUpCallback` and `MixUpLoss` (`fastai/callbacks/mixup.py`): a weight for each item of the batch, drawn
//! from Beta(α, α) and taken as max(λ, 1−λ), and a partner for each item by a permutation of the batch.
//!
//! `draws` is what chance decides, `mix` the blending, `loss` the mixed loss; the callback below puts them together, in the
//! language that every user's callback is written in.

mod cycles;
mod draws;
mod kernel;
mod loss;
mod mix;
mod sent;

pub use draws::Draws;
pub use loss::MixUpLoss;
use mix::Mixer;
use mixup_macros::callback;
use sent::Sent;
use tch::{Kind, TchError, Tensor};

use crate::{Rng, data::Fresh, input::Input, loss::LossFunc, target::Target};

/// Mixes each training batch; validation is left as it is.
///
/// With `stack_y` (the default) an item's target becomes both targets and a weight, and the loss function is wrapped in
/// [`MixUpLoss`] until training ends. Without, dense targets are mixed like the inputs. With `stack_x` the model gets the
/// items, their partners and the weights ([`Input::Stacked`]) and mixes where it likes.
///
/// A batch that was made for its step alone ([`Fresh`]) is mixed in place. Else the mixed batch lies in a buffer that the
/// next batch will be mixed into. So a callback that keeps `last_input` past its hook takes a copy.
///
/// ```
/// use mixup::mixup::MixUp;
///
/// let usual = MixUp::default();
/// let other = MixUp::new(0.2)?.stack_y(false);
/// assert!(MixUp::new(0.0).is_err());
/// # let _ = (usual, other);
/// # Ok::<(), mixup::mixup::MixUpError>(())
/// ```
#[derive(Debug)]
pub struct MixUp {
    alpha: f64,
    stack_x: bool,
    stack_y: bool,
    mixer: Mixer,
    /// The loss function that was there before, while its wrapper is.
    original: Option<LossFunc>,
}

/// fastai v1's: alpha 0.4, `stack_x` false, `stack_y` true.
impl Default for MixUp {
    fn default() -> Self {
        Self { alpha: 0.4, stack_x: false, stack_y: true, mixer: Mixer::default(), original: None }
    }
}

impl MixUp {
    /// MixUp with weights from Beta(alpha, alpha): the smaller alpha, the more of an item stays itself.
    ///
    /// # Errors
    /// [`MixUpError::Alpha`] where alpha is not a finite number above 0.
    pub fn new(alpha: f64) -> Result<Self, MixUpError> {
        Draws::check(alpha)?;
        Ok(Self { alpha, ..Self::default() })
    }

    /// Whether the model gets items, partners and weights, and mixes itself; false by default.
    #[must_use]
    pub fn stack_x(mut self, stack_x: bool) -> Self {
        self.stack_x = stack_x;
        self
    }

    /// Whether the loss function gets both targets and the weights, through [`MixUpLoss`]; true by default. Without, targets
    /// must be dense and are mixed.
    #[must_use]
    pub fn stack_y(mut self, stack_y: bool) -> Self {
        self.stack_y = stack_y;
        self
    }

    /// Alpha, as given.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Mixes a batch by draws that are given: what the callback does with its own.
    ///
    /// ```
    /// use mixup::{input::Input, mixup::{Draws, MixUp}, target::Target};
    /// use tch::Tensor;
    ///
    /// let mut input = Input::from(Tensor::from_slice(&[0.0_f32, 10.0]).reshape([2, 1]));
    /// let mut target = Target::from(Tensor::from_slice(&[3_i64, 7]));
    /// let draws = Draws::new(vec![0.25, 0.9], vec![1, 0])?;              // 0.25 is taken as 0.75
    /// MixUp::default().mix(&mut input, &mut target, &draws)?;
    /// assert_eq!(Vec::<f32>::try_from(input.one()?.flatten(0, -1))?, [2.5, 9.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`MixUpError`]: batches that can't be mixed; the batch is then as it was.
    pub fn mix(&mut self, input: &mut Input, target: &mut Target, draws: &Draws) -> Result<(), MixUpError> {
        self.mix_fresh(input, target, draws, &Fresh::nothing())
    }

    /// As [`mix`](Self::mix), and in place in those tensors that may be changed: what the callback does.
    ///
    /// # Errors
    /// As [`mix`](Self::mix).
    pub fn mix_fresh(
        &mut self,
        input: &mut Input,
        target: &mut Target,
        draws: &Draws,
        fresh: &Fresh,
    ) -> Result<(), MixUpError> {
        let (kind, device) = (self.check(input, target, draws)?, input.device());
        self.mixer.spare(&[input.tensors(), vec![target.tensor()]].concat());
        let sent = Sent::new(draws, kind, device);
        let mut mix = |slot, tensor: &Tensor| self.mixer.mix(slot, tensor, &sent, fresh.may_change(tensor));
        let mixed_target = match &*target {
            Target::Dense(dense) if !self.stack_y => Target::Dense(mix(1, dense)?),
            stacked => Target::Mixed {
                first: Box::new(stacked.shallow_clone()),
                second: Box::new(stacked.index_select(&sent.partner()?)?),
                weight: sent.weight()?,
            },
        };
        *input = match &*input {
            Input::Tensor(tensor) if self.stack_x => Input::Stacked {
                first: tensor.shallow_clone(),
                second: tensor.f_index_select(0, &sent.partner()?)?,
                weight: sent.weight()?,
            },
            Input::Tensor(tensor) => Input::Tensor(mix(0, tensor)?),
            other => {
                let slots = other.tensors().into_iter().enumerate();
                let mix = |(slot, tensor)| mix(2 + slot, tensor);
                Input::Tensors(slots.map(mix).collect::<Result<_, _>>()?)
            }
        };
        *target = mixed_target;
        Ok(())
    }

    /// Refuses what can't be mixed; else the kind in which the weights are kept.
    fn check(&self, input: &Input, target: &Target, draws: &Draws) -> Result<Kind, MixUpError> {
        let items = input.items();
        if matches!(input, Input::Stacked { .. }) || target.is_mixed() {
            return Err(MixUpError::Again);
        }
        if self.stack_x && !matches!(input, Input::Tensor(_)) {
            return Err(MixUpError::StackSeveral { tensors: input.tensors().len() });
        }
        let mut kind = Kind::Float;
        for (position, tensor) in input.tensors().into_iter().enumerate() {
            if !tensor.is_floating_point() {
                return Err(MixUpError::InputKind { kind: tensor.kind() });
            }
            let found = crate::input::items(tensor);
            if found != items {
                return Err(MixUpError::Inputs { position, expected: items, found });
            }
            if tensor.kind() == Kind::Double {
                kind = Kind::Double;
            }
        }
        if items == 0 {
            return Err(MixUpError::Empty);
        }
        if target.items() != items {
            return Err(MixUpError::Lengths { inputs: items, targets: target.items() });
        }
        if draws.len() != items {
            return Err(MixUpError::Draws { draws: draws.len(), items });
        }
        match target {
            Target::Dense(dense) if !dense.is_floating_point() => Err(MixUpError::TargetKind { kind: dense.kind() }),
            Target::Dense(dense) if dense.kind() == Kind::Double => Ok(Kind::Double),
            Target::Classes(_) if !self.stack_y => Err(MixUpError::MixedClasses),
            _ => Ok(kind),
        }
    }
}

#[callback(crate = crate)]
impl MixUp {
    fn on_train_begin(&mut self, loss_func: &mut LossFunc) {
        if self.stack_y {
            let wrapped = LossFunc::new(MixUpLoss::new(loss_func.clone()));
            self.original = Some(std::mem::replace(loss_func, wrapped));
        }
    }

    fn on_batch_begin(
        &mut self,
        last_input: &mut Input,
        last_target: &mut Target,
        fresh: &Fresh,
        train: bool,
        rng: &mut Rng,
    ) -> Result<(), MixUpError> {
        if train {
            let draws = Draws::random(last_input.items(), self.alpha, rng)?;
            self.mix_fresh(last_input, last_target, &draws, fresh)?;
        }
        Ok(())
    }

    fn on_train_end(&mut self, loss_func: &mut LossFunc) {
        self.mixer.clear();
        if let Some(original) = self.original.take() {
            *loss_func = original;
        }
    }
}

/// Why a batch can't be mixed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MixUpError {
    /// An alpha without a Beta distribution.
    #[error("alpha is {alpha}: Beta(alpha, alpha) needs a finite alpha above 0; 0.4 is usual")]
    Alpha {
        /// The alpha given.
        alpha: f64,
    },
    /// Inputs that can't be weighed.
    #[error(
        "inputs of kind {kind:?} can't be mixed: turn them into a floating kind first, with `to_kind(Kind::Float)`"
    )]
    InputKind {
        /// Their kind.
        kind: Kind,
    },
    /// Dense targets that can't be weighed.
    #[error("dense targets of kind {kind:?} can't be mixed: they must be of a floating kind")]
    TargetKind {
        /// Their kind.
        kind: Kind,
    },
    /// Class indices with `stack_y` false.
    #[error("class indices can't be mixed as numbers: leave `stack_y` true, or make the targets one-hot")]
    MixedClasses,
    /// A batch without items.
    #[error("the batch is empty: there is nothing to mix")]
    Empty,
    /// Input tensors of different length.
    #[error(
        "the batch's first input tensor has {expected} items and tensor {position} has {found}: there must be as many"
    )]
    Inputs {
        /// The tensor's place, counted from 0.
        position: usize,
        /// The first tensor's first dimension.
        expected: usize,
        /// This tensor's first dimension.
        found: usize,
    },
    /// Inputs and targets of different length.
    #[error("the batch has {inputs} inputs and {targets} targets: there must be a target for each input")]
    Lengths {
        /// The inputs' first dimension.
        inputs: usize,
        /// The targets' first dimension.
        targets: usize,
    },
    /// Draws for another batch.
    #[error("there are {draws} draws for a batch of {items}: there must be one for each item")]
    Draws {
        /// How many draws.
        draws: usize,
        /// How many items.
        items: usize,
    },
    /// Weights and partners of different length.
    #[error("there are {weights} weights and {partners} partners: there must be as many")]
    DrawsLengths {
        /// How many weights.
        weights: usize,
        /// How many partners.
        partners: usize,
    },
    /// A weight outside of 0 to 1.
    #[error("the weight of item {item} is {weight}: it must be between 0 and 1")]
    Weight {
        /// The item's place in the batch.
        item: usize,
        /// Its weight.
        weight: f64,
    },
    /// Partners that are no permutation.
    #[error("the partners are no permutation of 0 to {last}: item {item} has the partner {partner}")]
    Partner {
        /// The first item whose partner is out of range or taken.
        item: usize,
        /// Its partner.
        partner: usize,
        /// The greatest number allowed.
        last: usize,
    },
    /// `stack_x` with a model of several inputs.
    #[error("`stack_x` takes one input tensor and the batch has {tensors}: set it to false to have each of them mixed")]
    StackSeveral {
        /// How many.
        tensors: usize,
    },
    /// A batch that is mixed already.
    #[error("the batch is mixed already: use one mixing callback")]
    Again,
    /// libtorch refused.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}
