//! CutMix: a box of each image comes from another image, and the target says how much of it.
//!
//! Source: arXiv:1905.04899, equation 1: `x = M ⊙ x_A + (1−M) ⊙ x_B`, `y = λ·y_A + (1−λ)·y_B`, where M is zero in the box.
//! `cuts` has the boxes and `paste` moves the pixels.

use mixup_macros::callback;

use super::{
    Cuts, MixUpError, Mode, Pairing, batch, device_draws::DeviceDraws, mix::Mixer, pairing::pairing_options,
    paste::paste, wrapping::Wrapping,
};
use crate::{
    batch::{Input, Target},
    loss::LossFunc,
    rng::Rng,
};

/// Pastes a box of another image into each image of a training batch; validation is left as it is.
///
/// Images are `[n, c, h, w]`, of any kind. λ comes from Beta(1, 1), one for each batch as in the paper. The box has 1−λ of the
/// image's area, as far as it is inside the image. The target becomes both targets, weighted by the actual shares of the pixels,
/// and the loss function is wrapped in [`MixUpLoss`](super::MixUpLoss) until training ends, as with [`MixUp`](super::MixUp).
///
/// ```
/// use mixup::{callbacks::mixing::{CutMix, Mode}, prelude::*};
///
/// let data = ImageData::digits()?.build()?;
/// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10]))
///     .callback(CutMix::new(1.0)?.mode(Mode::Elem).prob(0.5)?) // a box for each image, in half of the batches
///     .quiet()
///     .build()?;
/// learn.fit(1, 1e-3)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CutMix {
    pub(super) pairing: Pairing,
    pub(super) stack_y: bool,
    mixer: Mixer,
    wrapping: Wrapping,
}

pairing_options!(CutMix);

impl CutMix {
    /// CutMix with λ from Beta(alpha, alpha); the paper has an alpha of 1.
    ///
    /// # Errors
    /// [`MixUpError::Alpha`] if alpha is not a finite number above 0.
    pub fn new(alpha: f64) -> Result<Self, MixUpError> {
        Ok(Self::of(Pairing::new(alpha)?.mode(Mode::Batch)))
    }

    /// CutMix that draws by this pairing.
    fn of(pairing: Pairing) -> Self {
        Self { pairing, stack_y: true, mixer: Mixer::default(), wrapping: Wrapping::default() }
    }

    /// Whether the loss function gets both targets and the weights. Defaults to true. If false, targets must be dense and are
    /// mixed.
    #[must_use]
    pub fn stack_y(mut self, stack_y: bool) -> Self {
        self.stack_y = stack_y;
        self
    }

    /// Cuts and pastes the given boxes, as the callback does with those that it draws.
    ///
    /// ```
    /// use mixup::{batch::{Input, Target}, callbacks::mixing::{CutBox, CutMix, Cuts}};
    /// use tch::Tensor;
    ///
    /// let images = Tensor::from_slice(&[1.0_f32, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]).reshape([2, 1, 2, 2]);
    /// let mut input = Input::from(images);
    /// let mut target = Target::from(Tensor::from_slice(&[3_i64, 7]));
    /// let corner = CutBox { top: 0, left: 0, height: 1, width: 1 };
    /// CutMix::default().mix(&mut input, &mut target, &Cuts::new(vec![corner], vec![1, 0])?)?;
    /// assert_eq!(Vec::<f32>::try_from(input.one()?.flatten(0, -1))?, [2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    /// let Target::Mixed { weight, .. } = target else { panic!("both targets are there") };
    /// assert_eq!(Vec::<f32>::try_from(weight)?, [0.75, 0.75]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`MixUpError`] for inputs that are no images, boxes outside of them and targets that can't be mixed. The batch then stays
    /// as it was.
    pub fn mix(&mut self, input: &mut Input, target: &mut Target, cuts: &Cuts) -> Result<(), MixUpError> {
        let kind = batch::check(input, target, cuts.partners().len(), self.stack_y)?;
        let draws = cuts.draws(image_size(input)?)?;
        self.mixer.spare(&[input.tensors(), target.tensors()].concat());
        let draws = DeviceDraws::new(&draws, kind, input.device());
        let mixed_target = batch::mix_target(target, self.stack_y, &mut self.mixer, &draws)?;
        let images = images(input)?;
        *input = paste(images, cuts, &draws, &mut self.mixer)?.into();
        *target = mixed_target;
        Ok(())
    }

    /// Draws for a batch and mixes it, or leaves it as it is if it drew that.
    pub(super) fn draw_and_mix(
        &mut self,
        input: &mut Input,
        target: &mut Target,
        epoch: usize,
        rng: &mut Rng,
    ) -> Result<(), MixUpError> {
        let size = image_size(input)?;
        let Some(draws) = self.pairing.draw(input.items(), epoch, rng) else { return Ok(()) };
        let cuts = Cuts::random(&draws, self.pairing.per(), size, rng)?;
        self.mix(input, target, &cuts)
    }

    /// Drops all buffers.
    pub(super) fn clear(&mut self) {
        self.mixer.clear();
    }
}

/// As in the paper: λ from Beta(1, 1), one box for each batch.
impl Default for CutMix {
    fn default() -> Self {
        Self::of(Pairing::by_default(1.0).mode(Mode::Batch))
    }
}

#[callback(crate = crate, stateless)]
impl CutMix {
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

/// The only tensor of images.
fn images(input: &Input) -> Result<&tch::Tensor, MixUpError> {
    match input {
        Input::Stacked { .. } => Err(MixUpError::Again),
        _ => input.one().map_err(|_| MixUpError::CutSeveral { tensors: input.tensors().len() }),
    }
}

/// The height and width of the images.
fn image_size(input: &Input) -> Result<[usize; 2], MixUpError> {
    let size = images(input)?.size();
    let lengths: Vec<_> = size.iter().map(|&length| usize::try_from(length).unwrap_or(0)).collect();
    match lengths[..] {
        [n, c, h, w] if n > 0 && c > 0 && h > 0 && w > 0 => Ok([h, w]),
        _ => Err(MixUpError::Images { got: size }),
    }
}
