//! What all of the family do with a batch: refuse what can't be mixed, and mix the target.

use tch::{Kind, TchError};

use super::{MixUpError, mix::Mixer, sent::Sent};
use crate::{
    data::Fresh,
    input::{Input, items},
    target::Target,
};

/// Refuses what can't be paired; else the kind in which the weights are kept.
pub(super) fn check(input: &Input, target: &Target, draws: usize, stack_y: bool) -> Result<Kind, MixUpError> {
    if matches!(input, Input::Stacked { .. }) || target.is_mixed() {
        return Err(MixUpError::Again);
    }
    let expected = input.items();
    for (position, found) in input.tensors().into_iter().map(items).enumerate() {
        if found != expected {
            return Err(MixUpError::Inputs { position, expected, found });
        }
    }
    if expected == 0 {
        return Err(MixUpError::Empty);
    }
    if target.items() != expected {
        return Err(MixUpError::Lengths { inputs: expected, targets: target.items() });
    }
    if draws != expected {
        return Err(MixUpError::Draws { draws, items: expected });
    }
    let double = input.tensors().into_iter().any(|tensor| tensor.kind() == Kind::Double);
    match target {
        Target::Dense(dense) if !dense.is_floating_point() => Err(MixUpError::TargetKind { kind: dense.kind() }),
        Target::Dense(dense) if dense.kind() == Kind::Double => Ok(Kind::Double),
        Target::Classes(_) if !stack_y => Err(MixUpError::MixedClasses),
        _ => Ok(if double { Kind::Double } else { Kind::Float }),
    }
}

/// The target of the mixed batch: both and the weights, or without `stack_y` their blend. The mixer's slot 1 is for it.
pub(super) fn mix_target(
    target: &Target,
    stack_y: bool,
    mixer: &mut Mixer,
    sent: &Sent<'_>,
    fresh: &Fresh,
) -> Result<Target, TchError> {
    Ok(match target {
        Target::Dense(dense) if !stack_y => Target::Dense(mixer.mix(1, dense, sent, fresh.may_change(dense))?),
        stacked => Target::Mixed {
            first: Box::new(stacked.shallow_clone()),
            second: Box::new(stacked.index_select(&sent.partner()?)?),
            weight: sent.weight()?,
        },
    })
}
