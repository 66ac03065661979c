//! The loss for mixed targets: λ·loss(output, first) + (1−λ)·loss(output, second), computed item by item and reduced only then.
//!
//! Source: arXiv:1710.09412, equation 1 and section 3; fastai v1's `MixUpLoss`. This file has the two ways that work for every
//! loss function: two calls, and one call on the mixed target. Class indices with cross-entropy have a third, in `two_labels`.

use tch::{Kind, TchError, Tensor};

use super::{Loss, LossError, LossParts, Reduction};
use crate::{
    batch::{Output, Target, tensors},
    error::BoxError,
};

/// Uses one call if the loss function is linear in its target and the targets are dense, otherwise two.
pub(super) fn of<O: Output, L: Loss<O> + ?Sized>(
    loss: &L,
    output: &O,
    first: &Target,
    second: &Target,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<Tensor, BoxError> {
    if loss.linear_in_target()
        && let Some(target) = dense(output, first, second, weight)?
    {
        return loss.loss(output, &target, reduction);
    }
    by_two_calls(loss, output, first, second, weight, reduction)
}

/// Uses two calls, which is right for every loss function that keeps the items apart.
pub(crate) fn by_two_calls<O: Output, L: Loss<O> + ?Sized>(
    loss: &L,
    output: &O,
    first: &Target,
    second: &Target,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<Tensor, BoxError> {
    let losses = |target: &Target| loss.loss(output, target, Reduction::None);
    let (first, second) = (losses(first)?, losses(second)?);
    mix(|| loss.name(), &first, &second, weight, reduction)
}

/// Uses two calls for a loss in parts, and mixes each part as the total.
pub(crate) fn in_parts<O: Output, L: Loss<O> + ?Sized>(
    loss: &L,
    output: &O,
    first: &Target,
    second: &Target,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<LossParts, BoxError> {
    let losses = |target: &Target| loss.loss_in_parts(output, target, Reduction::None);
    let (first, second) = (losses(first)?, losses(second)?);
    let mix = |first: &Tensor, second: &Tensor| mix(|| loss.name(), first, second, weight, reduction);
    let parts = first.parts.iter().zip(&second.parts).map(|(first, second)| mix(first, second));
    Ok(LossParts { parts: parts.collect::<Result<_, _>>()?, total: mix(&first.total, &second.total)? })
}

/// λ times the losses of the first target plus 1−λ times those of the second, item by item.
fn mix(
    loss: impl Fn() -> String,
    first: &Tensor,
    second: &Tensor,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<Tensor, BoxError> {
    per_item_losses(&loss, first, weight.numel())?;
    if second.size() != first.size() {
        return Err(LossError::NotPerItem { loss: loss(), got: second.size(), items: weight.numel() }.into());
    }
    let weight = spread(weight, first)?;
    Ok(reduction.of(&second.f_lerp_tensor(first, &weight)?)?)
}

/// λ·first + (1−λ)·second as one dense target, if both are dense and of one shape: for losses that are linear in the target.
///
/// It is computed in the widest kind of output and targets, so that a target in half precision loses nothing.
fn dense(output: &impl Output, first: &Target, second: &Target, weight: &Tensor) -> Result<Option<Target>, TchError> {
    let (Target::Dense(first), Target::Dense(second)) = (first, second) else { return Ok(None) };
    if first.dim() == 0 || first.size() != second.size() || weight.size() != first.size()[..1] {
        return Ok(None);
    }
    let mut kind = wider(first.kind(), second.kind());
    for output in tensors(output).iter().filter(|output| output.is_floating_point()) {
        kind = wider(kind, output.kind());
    }
    let (first, second) = (first.f_to_kind(kind)?, second.f_to_kind(kind)?);
    Ok(Some(Target::Dense(second.f_lerp_tensor(&first, &spread(weight, &first)?)?)))
}

/// The kind that can represent every number of both floating kinds.
fn wider(one: Kind, other: Kind) -> Kind {
    match (one, other) {
        _ if one == other => one,
        (Kind::Double, _) | (_, Kind::Double) => Kind::Double,
        _ => Kind::Float,
    }
}

/// Rejects losses that do not keep the items apart: their first dimension must be the items.
pub(crate) fn per_item_losses(loss: impl Fn() -> String, losses: &Tensor, items: usize) -> Result<(), LossError> {
    if losses.dim() > 0 && crate::batch::items(losses) == items {
        Ok(())
    } else {
        Err(LossError::NotPerItem { loss: loss(), got: losses.size(), items })
    }
}

/// One loss for each item, `[n]`, from losses that keep the items apart, `[n]` or `[n, …]`: the mean of an item's losses.
pub(crate) fn mean_of_each(losses: &Tensor) -> Result<Tensor, TchError> {
    match losses.dim() {
        0 | 1 => Ok(losses.shallow_clone()),
        _ => losses.f_flatten(1, -1)?.f_mean_dim(1_i64, false, losses.kind()),
    }
}

/// The items' numbers `[n]` as `[n, 1, …]`, with the kind and the number of dimensions of what they weigh.
fn spread(weight: &Tensor, over: &Tensor) -> Result<Tensor, TchError> {
    let mut shape = vec![1; over.dim().max(1)];
    shape[0] = -1;
    weight.f_to_kind(over.kind())?.f_reshape(&shape)
}
