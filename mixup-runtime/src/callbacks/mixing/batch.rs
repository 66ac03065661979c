//! What the whole family does with a batch: reject what can't be mixed, and mix the target.

use tch::{Kind, TchError};

use super::{MixUpError, device_draws::DeviceDraws, mix::Mixer};
use crate::batch::{Input, Target, items};

/// Rejects what can't be paired; returns the kind in which the weights are kept.
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
    let inputs = input.tensors().into_iter().any(|tensor| tensor.kind() == Kind::Double);
    let targets = double(target, stack_y)?;
    Ok(if inputs || targets { Kind::Double } else { Kind::Float })
}

/// Rejects targets that can't be weighted; returns whether there are dense ones of `f64`.
fn double(target: &Target, stack_y: bool) -> Result<bool, MixUpError> {
    match target {
        Target::Dense(dense) if !dense.is_floating_point() => Err(MixUpError::TargetKind { kind: dense.kind() }),
        Target::Dense(dense) => Ok(dense.kind() == Kind::Double),
        Target::Classes(_) if !stack_y => Err(MixUpError::MixedClasses),
        Target::Several(several) => {
            several.targets().iter().try_fold(false, |found, target| Ok(found | double(target, stack_y)?))
        }
        Target::Classes(_) | Target::Mixed { .. } => Ok(false),
    }
}

/// The target of the mixed batch: both targets and the weights, or their blend without `stack_y`. The mixer's odd slots are for
/// targets.
pub(super) fn mix_target(
    target: &Target,
    stack_y: bool,
    mixer: &mut Mixer,
    draws: &DeviceDraws<'_>,
) -> Result<Target, TchError> {
    if !stack_y {
        return blend(target, &mut 1, mixer, draws);
    }
    Ok(Target::Mixed {
        first: Box::new(target.shallow_clone()),
        second: Box::new(draws.partners_of(target)?),
        weight: draws.weight()?,
    })
}

/// Dense targets, each mixed in the next odd slot. There are no others: [`check`] rejects them.
fn blend(target: &Target, slot: &mut usize, mixer: &mut Mixer, draws: &DeviceDraws<'_>) -> Result<Target, TchError> {
    Ok(match target {
        Target::Dense(dense) => {
            let own = *slot;
            *slot += 2;
            Target::Dense(mixer.mix(own, dense, draws)?)
        }
        Target::Several(several) => Target::Several(several.try_map(|target| blend(target, slot, mixer, draws))?),
        Target::Classes(_) | Target::Mixed { .. } => target.shallow_clone(),
    })
}
