//! What all of the family do with a batch: refuse what can't be mixed, and mix the target.

use tch::{Kind, TchError};

use super::{MixUpError, mix::Mixer, sent::Sent};
use crate::batch::{Fresh, Input, Target, items};

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
    let inputs = input.tensors().into_iter().any(|tensor| tensor.kind() == Kind::Double);
    let targets = double(target, stack_y)?;
    Ok(if inputs || targets { Kind::Double } else { Kind::Float })
}

/// Refuses targets that can't be weighed; else whether there are dense ones of `f64`.
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

/// The target of the mixed batch: both and the weights, or without `stack_y` their blend. The mixer's odd slots are for it.
pub(super) fn mix_target(
    target: &Target,
    stack_y: bool,
    mixer: &mut Mixer,
    sent: &Sent<'_>,
    fresh: &Fresh,
) -> Result<Target, TchError> {
    if !stack_y {
        return blend(target, &mut 1, mixer, sent, fresh);
    }
    Ok(Target::Mixed {
        first: Box::new(target.shallow_clone()),
        second: Box::new(sent.partners_of(target)?),
        weight: sent.weight()?,
    })
}

/// Dense targets, each of them mixed in the next odd slot. There are no others: [`check`] refuses them.
fn blend(
    target: &Target,
    slot: &mut usize,
    mixer: &mut Mixer,
    sent: &Sent<'_>,
    fresh: &Fresh,
) -> Result<Target, TchError> {
    Ok(match target {
        Target::Dense(dense) => {
            let own = *slot;
            *slot += 2;
            Target::Dense(mixer.mix(own, dense, sent, fresh.may_change(dense))?)
        }
        Target::Several(several) => Target::Several(several.try_map(|target| blend(target, slot, mixer, sent, fresh))?),
        Target::Classes(_) | Target::Mixed { .. } => target.shallow_clone(),
    })
}
