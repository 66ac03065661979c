//! Rejects callbacks whose work in training would have no effect, because the training step does not use what they change.

use super::{Handler, dispatch::Entry, link::StepParts};
use crate::training::{BuildError, Hook, Uses};

/// The hooks that run in training before the last loss of a batch is optimized.
const BEFORE: &[Hook] = &[
    Hook::TrainBegin,
    Hook::EpochBegin,
    Hook::BatchBegin,
    Hook::LossBegin,
    Hook::BackwardBegin,
    Hook::BackwardEnd,
    Hook::StepEnd,
    Hook::BatchEnd,
];

/// Checks each callback against the step.
pub(super) fn check(entries: &[Entry], step: &StepParts) -> Result<(), BuildError> {
    let unused: Vec<_> = Uses::ALL.iter().copied().filter(|uses| !step.uses.contains(uses)).collect();
    for entry in entries {
        let in_training =
            entry.handlers.iter().filter(|handler| BEFORE.contains(&handler.hook) && !handler.runs_only_for("valid"));
        for handler in in_training {
            for &uses in &unused {
                let changes = handler.changes.contains(&uses.name());
                if changes || needs(handler, uses) {
                    let (by, step) = (entry.name.to_string(), step.name.clone());
                    let (hook, what) = (handler.hook, uses.name());
                    return Err(BuildError::StepIgnores { by, hook, what, uses, step, changes });
                }
            }
        }
    }
    Ok(())
}

/// Whether the method can't run without it: there is no output if the step makes none, and `on_loss_begin` comes after it.
fn needs(handler: &Handler, uses: Uses) -> bool {
    uses == Uses::Output && (handler.hook == Hook::LossBegin || handler.names.contains(&uses.name()))
}
