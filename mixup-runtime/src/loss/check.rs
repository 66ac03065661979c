//! Whether a loss function does what it says of the losses of items: asked once, on the first batch of a run.
//!
//! A loss function that mixes up its items still trains, on another loss than was meant. Three signs show it: `Reduction::None`
//! has no loss for each item, the losses do not sum up to the loss of the batch, or an item has another loss alone than among
//! others.

use tch::{Device, Kind, TchError, Tensor};

use super::{Loss, LossError, Reduction, per_item_losses};
use crate::{
    batch::{Output, Target, items, tensors},
    error::BoxError,
};

/// How far numbers that should be the same may be apart, as a share of the losses: rounding, also that of half precision and of
/// other kernels for other shapes.
const ROUNDING: f64 = 1e-3;
const ROUNDING_OF_HALF: f64 = 5e-2;

/// The ways out for a loss function of the user's own type.
pub(super) const OWN: &str = "return `reduction.of(&losses)`, with a loss for each item; or, if only the whole batch has a loss, let \
                              `Loss::per_item` return false";

/// The ways out for a closure with three arguments.
pub(super) const CLOSURE: &str = "pass the reduction on, or write `per_item(|output, target| …)`, or `of_batch(…)` for a loss that only the whole \
                                  batch has";

/// The ways out for a closure in `per_item`.
pub(super) const PER_ITEM: &str = "return the losses of the items, without a mean or a sum over them, and compare tensors of the same shape; or write \
                                   `of_batch(…)` for a loss that only the whole batch has";

/// Checks a loss function on a batch. `way_out` says what to write instead.
pub(super) fn reduction<O: Output, L: Loss<O> + ?Sized>(
    loss: &L,
    output: &O,
    target: &Target,
    way_out: &'static str,
) -> Result<(), BoxError> {
    let count = target.items();
    if !loss.per_item() || count == 0 {
        return Ok(());
    }
    let _no_grad = tch::no_grad_guard();
    let check = Check { loss, output, target, way_out };
    let losses = loss.loss(output, target, Reduction::None)?;
    if per_item_losses(String::new, &losses, count).is_err() {
        let (loss, got) = (loss.name(), losses.size());
        return Err(LossError::IgnoresReduction { loss, got, items: count, way_out }.into());
    }
    let rounding = if matches!(losses.kind(), Kind::Half | Kind::BFloat16) { ROUNDING_OF_HALF } else { ROUNDING };
    let losses = numbers(&losses)?;
    let scale = losses.iter().map(|loss| loss.abs()).sum::<f64>() / losses.len() as f64;
    // What is not finite can't be compared, and what is random is another number each time.
    let close = |one: f64, other: f64| (one - other).abs() <= rounding * scale.max(one.abs());
    let again = numbers(&loss.loss(output, target, Reduction::None)?)?;
    if !scale.is_finite() || losses.iter().zip(&again).any(|(one, other)| !close(*one, *other)) {
        return Ok(());
    }
    check.sum(&losses, close)?;
    check.alone(&losses[..losses.len() / count], close)
}

/// A loss function on a batch.
struct Check<'a, O, L: ?Sized> {
    loss: &'a L,
    output: &'a O,
    target: &'a Target,
    way_out: &'static str,
}

impl<O: Output, L: Loss<O> + ?Sized> Check<'_, O, L> {
    /// The mean must be that of the losses. It may also be weighted, as that of cross-entropy with weights for classes is in
    /// PyTorch; then the sum must be that of the losses.
    fn sum(&self, losses: &[f64], close: impl Fn(f64, f64) -> bool) -> Result<(), BoxError> {
        let (sum, count) = (losses.iter().sum::<f64>(), losses.len() as f64);
        let reduced = |reduction| numbers(&self.loss.loss(self.output, self.target, reduction)?);
        let mean = reduced(Reduction::Mean)?;
        let one = |numbers: &[f64]| if let [number] = numbers { Some(*number) } else { None };
        let Some(mean) = one(&mean) else { return Ok(()) }; // the learner refuses it
        if close(mean, sum / count) || one(&reduced(Reduction::Sum)?).is_some_and(|got| close(got / count, sum / count))
        {
            return Ok(());
        }
        let (loss, way_out) = (self.loss.name(), self.way_out);
        Err(LossError::OtherMean { loss, mean, of_items: sum / count, way_out }.into())
    }

    /// The first item must have the same losses alone.
    fn alone(&self, losses: &[f64], close: impl Fn(f64, f64) -> bool) -> Result<(), BoxError> {
        let count = self.target.items();
        // Only an output that has the items in the first dimension of each tensor has a part for one item.
        if count == 1 || tensors(self.output).iter().any(|tensor| tensor.dim() == 0 || items(tensor) != count) {
            return Ok(());
        }
        let alone = self.output.map(&mut |tensor| tensor.f_narrow(0, 0, 1))?;
        let device = self.target.tensor().device();
        let target = self.target.index_select(&Tensor::f_from_slice(&[0_i64])?.f_to_device(device)?)?;
        // A loss function need not be able to take a single item.
        let Ok(alone) = crate::error::or_refusal(|| self.loss.loss(&alone, &target, Reduction::None)) else {
            return Ok(());
        };
        let alone = numbers(&alone)?;
        if alone.len() == losses.len() && alone.iter().zip(losses).all(|(alone, among)| close(*alone, *among)) {
            return Ok(());
        }
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (loss, way_out) = (self.loss.name(), self.way_out);
        Err(LossError::OtherAlone { loss, alone: mean(&alone), among: mean(losses), items: count, way_out }.into())
    }
}

/// All numbers of a tensor. This waits for the device.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>, BoxError> {
    let flat = |tensor: &Tensor| -> Result<Tensor, TchError> {
        tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_flatten(0, -1)
    };
    Ok(Vec::try_from(flat(tensor)?)?)
}
