//! Why a loss function can't judge an output: each case with its shapes and numbers.

use tch::TchError;

use crate::batch::Target;

/// Why a loss function can't judge an output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A target of a kind that this loss has no use for.
    #[error("{loss} takes {wanted}, and the target is {got}")]
    TargetKind {
        /// The loss function.
        loss: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What the target is.
        got: &'static str,
    },
    /// Output and target whose shapes do not belong together.
    #[error("{loss} wants {wanted}: the output is {output:?} and the target {target:?}")]
    Shapes {
        /// The loss function.
        loss: &'static str,
        /// What would fit.
        wanted: &'static str,
        /// The output's shape.
        output: Vec<i64>,
        /// The target's shape.
        target: Vec<i64>,
    },
    /// A class index that the output has no score for.
    #[error("{loss} got the class index {class}, and the output has scores for {classes} classes: 0 to {}", classes - 1)]
    Class {
        /// The loss function.
        loss: &'static str,
        /// The index.
        class: i64,
        /// How many classes the output has, in dimension 1.
        classes: i64,
    },
    /// Several targets for a loss function of one, or another number of them than it has parts.
    #[error("{loss} judges {}, and the batch has {got}{}", targets(*wanted), way_out(*wanted))]
    Targets {
        /// The loss function.
        loss: &'static str,
        /// How many targets it judges.
        wanted: usize,
        /// How many the batch has.
        got: usize,
    },
    /// Columns that the output does not have.
    #[error("task {task} of MultiTask takes {columns} of the output, and the output is {output:?}")]
    Columns {
        /// The task's place, counted from 0.
        task: usize,
        /// What it takes, in words.
        columns: String,
        /// The output's shape.
        output: Vec<i64>,
    },
    /// A task's weight that is no finite number, or below 0.
    #[error("the weight of task {task} is {weight}: it must be a finite number, 0 or above")]
    TaskWeight {
        /// The task's place, counted from 0.
        task: usize,
        /// The weight given.
        weight: f64,
    },
    /// Class weights of another number than the output has classes.
    #[error("{loss} has class weights of the shape {weight:?}, and the output has scores for {classes} classes")]
    ClassWeights {
        /// The loss function.
        loss: &'static str,
        /// The shape of the weights.
        weight: Vec<i64>,
        /// How many classes the output has, in dimension 1.
        classes: i64,
    },
    /// A label smoothing outside of 0 to 1.
    #[error("{loss} has a label smoothing of {smoothing}: it must be between 0 and 1; 0.1 is usual")]
    Smoothing {
        /// The loss function.
        loss: &'static str,
        /// What was given.
        smoothing: f64,
    },
    /// Fewer or more losses than items: the weights of mixed targets find no item to weigh.
    #[error(
        "{loss} gave losses of the shape {got:?} for {items} items: with `Reduction::None` it must keep the items apart"
    )]
    NotPerItem {
        /// The loss function.
        loss: String,
        /// The shape of what it gave.
        got: Vec<i64>,
        /// How many items there are.
        items: usize,
    },
    /// libtorch refused.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

/// «one target», «2 targets».
fn targets(count: usize) -> String {
    if count == 1 { "one target".to_owned() } else { format!("{count} targets") }
}

/// What a loss function of one target needs around it.
fn way_out(wanted: usize) -> &'static str {
    if wanted == 1 { ": `MultiTask` gives each target its loss" } else { "" }
}

/// Refuses what is no single target: the one that MixUp made, which a loss function gets only where `MixUpLoss` is missing around
/// it, and several targets, which need a loss function for each.
pub(super) fn unmixed(loss: &'static str, target: &Target) -> LossError {
    match target {
        Target::Several(several) => LossError::Targets { loss, wanted: 1, got: several.len() },
        _ => LossError::TargetKind { loss, wanted: "one target, or two of them inside `MixUpLoss`", got: "mixed" },
    }
}
