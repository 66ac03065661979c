//! The family of mixing callbacks: training on blends of two items with both their targets.
//!
//! | callback | what it does | source |
//! |---|---|---|
//! | [`MixUp`] | blends the numbers of two items | Zhang et al., arXiv:1710.09412, in the form of fastai v1 |
//! | [`CutMix`] | pastes a box of one image into another | Yun et al., arXiv:1905.04899 |
//! | [`MixUpOrCutMix`] | one of the two at random for each batch | timm |
//! | [`MixUp`] with `stack_x`, and a model that mixes by itself | blends hidden layers: manifold mixup | Verma et al., arXiv:1806.05236 |
//!
//! MixUp works as in fastai v1 (`MixUpCallback` and `MixUpLoss` in `fastai/callbacks/mixup.py`): a weight for each item of the
//! batch, drawn from Beta(α, α) and taken as max(λ, 1−λ), and a partner for each item by a permutation of the batch.
//!
//! `pairing` draws, and `draws` are the results for a batch. `mix` blends: on the CPU the `rows` of the batch, along the `cycles` of
//! the permutation, by the formula in `blend`. `cuts` and `paste` are CutMix's boxes and pixels. `loss` is the mixed loss, which
//! `wrapping` puts on and takes off. The callbacks combine these, and are written in the same language as users' callbacks.

mod batch;
mod blend;
mod cutmix;
mod cuts;
mod cycles;
mod device_draws;
mod draws;
mod error;
mod loss;
mod mix;
mod pairing;
mod paste;
mod rows;
mod switch;
mod wrapping;

pub use cutmix::CutMix;
pub use cuts::{CutBox, Cuts};
use device_draws::DeviceDraws;
pub use draws::Draws;
pub use error::MixUpError;
pub use loss::MixUpLoss;
use mix::Mixer;
use mixup_macros::callback;
use pairing::pairing_options;
pub use pairing::{Mode, Pairing};
pub use switch::MixUpOrCutMix;
use tch::{Kind, Tensor};
use wrapping::Wrapping;

use crate::{
    batch::{Input, Target},
    loss::LossFunc,
    rng::Rng,
};

/// Mixes each training batch; validation is left as it is.
///
/// With `stack_y` (the default), an item's target becomes both targets and a weight, and the loss function is wrapped in
/// [`MixUpLoss`] until training ends. Without it, dense targets are mixed like the inputs. With `stack_x`, the model gets the
/// items, their partners and the weights ([`Input::Stacked`]) and mixes them at any layer.
///
/// A batch that was made for its step alone is mixed in place, as [`Input::make_mut`] would change it. Any other batch is mixed
/// into a buffer, which the next batch overwrites. So a callback that keeps `last_input` for longer must copy it. A graph that is
/// kept past its batch reports in its backward pass that the batch was modified.
///
/// ```
/// use mixup::callbacks::mixing::{MixUp, Mode};
///
/// let usual = MixUp::default();
/// let as_in_the_paper = MixUp::new(0.2)?.mode(Mode::Batch).heavier(false); // one λ for each batch, as drawn
/// let at_times = MixUp::beta(2.0, 5.0)?.prob(0.5)?.off_epoch(40);
/// let of_dense_targets = MixUp::default().stack_y(false);
/// assert!(MixUp::new(0.0).is_err());
/// # let _ = (usual, as_in_the_paper, at_times, of_dense_targets);
/// # Ok::<(), mixup::callbacks::mixing::MixUpError>(())
/// ```
#[derive(Debug)]
pub struct MixUp {
    pairing: Pairing,
    stack_x: bool,
    stack_y: bool,
    mixer: Mixer,
    wrapping: Wrapping,
}

/// fastai v1's defaults: alpha 0.4, a weight for each item, `stack_x` false, `stack_y` true.
impl Default for MixUp {
    fn default() -> Self {
        Self::of(Pairing::by_default(0.4))
    }
}

pairing_options!(MixUp);

impl MixUp {
    /// MixUp with weights from Beta(alpha, alpha): the smaller alpha is, the more of each item remains.
    ///
    /// # Errors
    /// [`MixUpError::Alpha`] if alpha is not a finite number above 0.
    pub fn new(alpha: f64) -> Result<Self, MixUpError> {
        Ok(Self::of(Pairing::new(alpha)?))
    }

    /// MixUp with weights from Beta(a, b) as they are drawn: on average, a / (a + b) of an item remains.
    ///
    /// # Errors
    /// [`MixUpError::Beta`] if one of them is not a finite number above 0.
    pub fn beta(a: f64, b: f64) -> Result<Self, MixUpError> {
        Ok(Self::of(Pairing::beta(a, b)?).heavier(false))
    }

    /// MixUp that draws by this pairing and takes the heavier weight.
    fn of(pairing: Pairing) -> Self {
        let pairing = pairing.heavier(true);
        Self { pairing, stack_x: false, stack_y: true, mixer: Mixer::default(), wrapping: Wrapping::default() }
    }

    /// Whether the model gets items, partners and weights, and mixes them itself. Defaults to false.
    #[must_use]
    pub fn stack_x(mut self, stack_x: bool) -> Self {
        self.stack_x = stack_x;
        self
    }

    /// Whether the loss function gets both targets and the weights, through [`MixUpLoss`]. Defaults to true. If false, targets
    /// must be dense and are mixed.
    #[must_use]
    pub fn stack_y(mut self, stack_y: bool) -> Self {
        self.stack_y = stack_y;
        self
    }

    /// The alpha given: the first parameter of the Beta distribution.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.pairing.ab().0
    }

    /// Mixes a batch by the given draws, as the callback does with its own. In your own training loop,
    /// [`with_fresh`](crate::batch::with_fresh) lets it mix in place.
    ///
    /// ```
    /// use mixup::{batch::{Input, Target}, callbacks::mixing::{Draws, MixUp}};
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
    /// [`MixUpError`] for a batch that can't be mixed, which then stays as it was. If libtorch runs out of memory half-way, some
    /// tensors that may be changed may be mixed already.
    pub fn mix(&mut self, input: &mut Input, target: &mut Target, draws: &Draws) -> Result<(), MixUpError> {
        let (kind, device) = (self.check(input, target, draws)?, input.device());
        self.mixer.spare(&[input.tensors(), target.tensors()].concat());
        let draws = DeviceDraws::new(draws, kind, device);
        let mixed_target = batch::mix_target(target, self.stack_y, &mut self.mixer, &draws)?;
        let mut mix = |slot, tensor: &Tensor| self.mixer.mix(slot, tensor, &draws);
        *input = match &*input {
            Input::Tensor(tensor) if self.stack_x => Input::Stacked {
                first: tensor.shallow_clone(),
                second: tensor.f_index_select(0, &draws.partner()?)?,
                weight: draws.weight()?,
            },
            Input::Tensor(tensor) => Input::Tensor(mix(0, tensor)?),
            other => {
                let slots = other.tensors().into_iter().enumerate();
                let mix = |(place, tensor)| mix(2 * place, tensor);
                Input::Tensors(slots.map(mix).collect::<Result<_, _>>()?)
            }
        };
        *target = mixed_target;
        Ok(())
    }

    /// Rejects what can't be mixed; returns the kind in which the weights are kept.
    fn check(&self, input: &Input, target: &Target, draws: &Draws) -> Result<Kind, MixUpError> {
        let kind = batch::check(input, target, draws.len(), self.stack_y)?;
        if self.stack_x && !matches!(input, Input::Tensor(_)) {
            return Err(MixUpError::StackSeveral { tensors: input.tensors().len() });
        }
        match input.tensors().into_iter().find(|tensor| !tensor.is_floating_point()) {
            Some(tensor) => Err(MixUpError::InputKind { kind: tensor.kind() }),
            None => Ok(kind),
        }
    }

    /// Draws for a batch and mixes it, or leaves it as it is if it drew that.
    fn draw_and_mix(
        &mut self,
        input: &mut Input,
        target: &mut Target,
        epoch: usize,
        rng: &mut Rng,
    ) -> Result<(), MixUpError> {
        match self.pairing.draw(input.items(), epoch, rng) {
            Some(draws) => self.mix(input, target, &draws),
            None => Ok(()),
        }
    }

    /// Drops all buffers.
    fn clear(&mut self) {
        self.mixer.clear();
    }
}

#[callback(crate = crate, stateless)]
impl MixUp {
    fn on_train_begin(&mut self, loss_func: &mut LossFunc) {
        if self.stack_y {
            self.wrapping.begin(loss_func);
        }
    }

    #[on(train)]
    fn on_batch_begin(
        &mut self,
        last_input: &mut Input,
        last_target: &mut Target,
        epoch: usize,
        rng: &mut Rng,
    ) -> Result<(), MixUpError> {
        self.draw_and_mix(last_input, last_target, epoch, rng)
    }

    #[on(loss_begin, train)]
    fn wrap_replacement(&self, loss_func: &mut LossFunc) {
        self.wrapping.keep(loss_func);
    }

    fn on_train_end(&mut self, loss_func: &mut LossFunc) {
        self.clear();
        self.wrapping.end(loss_func);
    }
}
