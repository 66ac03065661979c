//! The errors of loss functions, each with its shapes and numbers.

use tch::TchError;

use crate::batch::Target;

/// Why a loss could not be computed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// The loss function does not take a target of this kind.
    #[error("{loss} takes {wanted}, and the target is {got}")]
    TargetKind {
        /// The loss function.
        loss: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What the target is.
        got: &'static str,
    },
    /// The shapes of output and target do not fit each other.
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
    /// The output has no score for a class index.
    #[error("{loss} got the class index {class}, and the output has scores for {classes} classes: 0 to {}", classes - 1)]
    Class {
        /// The loss function.
        loss: &'static str,
        /// The class index.
        class: i64,
        /// How many classes the output has, in dimension 1.
        classes: i64,
    },
    /// A loss function that says that items have losses of their own returns something else.
    #[error(
        "`{loss}` ignores `reduction`: for `Reduction::None` it returned {got:?}, and it must return a loss for each of the {items} items; {way_out}"
    )]
    IgnoresReduction {
        /// The loss function.
        loss: String,
        /// The shape of what it returned.
        got: Vec<i64>,
        /// How many items the batch has.
        items: usize,
        /// What to write instead.
        way_out: &'static str,
    },
    /// The loss of a batch is not what the losses of its items give.
    #[error(
        "`{loss}` has two losses for one batch: {mean} with `Reduction::Mean`, and {of_items} as the mean of the losses with `Reduction::None`; {way_out}"
    )]
    OtherMean {
        /// The loss function.
        loss: String,
        /// What it returns for the batch.
        mean: f64,
        /// The mean of what it returns for the items.
        of_items: f64,
        /// What to write instead.
        way_out: &'static str,
    },
    /// The loss of an item depends on the other items.
    #[error(
        "`{loss}` does not keep the items apart: the first item has the loss {alone} alone, and {among} in its batch of {items}, as when shapes that \
         differ are broadcast; {way_out}"
    )]
    OtherAlone {
        /// The loss function.
        loss: String,
        /// The loss of the first item alone.
        alone: f64,
        /// Its loss in its batch.
        among: f64,
        /// How many items the batch has.
        items: usize,
        /// What to write instead.
        way_out: &'static str,
    },
    /// The name of a part of a loss is empty, or that of another part.
    #[error("{loss} can't name a part `{name}`: each part has a name of its own, which is not empty")]
    PartName {
        /// The loss function.
        loss: &'static str,
        /// The name.
        name: String,
    },
    /// The weight of a part of a loss is negative or not a finite number.
    #[error("the weight of the part `{part}` is {weight}: it must be a finite number, 0 or above")]
    PartWeight {
        /// The part.
        part: String,
        /// The weight that was given.
        weight: f64,
    },
    /// A loss function that is a sum has nothing to add.
    #[error("{loss} has no part yet: add a loss function first")]
    NoPart {
        /// The loss function.
        loss: &'static str,
    },
    /// A loss function returned another number of parts than it has names.
    #[error(
        "`{loss}` returned {got} parts, and `Loss::parts` has {wanted} names: `Loss::loss_in_parts` must return one tensor for each name"
    )]
    Parts {
        /// The loss function.
        loss: String,
        /// How many names it has.
        wanted: usize,
        /// How many parts it returned.
        got: usize,
    },
    /// The batch has another number of targets than the loss function takes.
    #[error("{loss} judges {}, and the batch has {got}{}", targets(*wanted), way_out(*wanted))]
    Targets {
        /// The loss function.
        loss: &'static str,
        /// How many targets the loss function takes.
        wanted: usize,
        /// How many targets the batch has.
        got: usize,
    },
    /// The output does not have the columns of a task.
    #[error("task {task} of MultiTask takes {columns} of the output, and the output is {output:?}")]
    Columns {
        /// The task's place, counted from 0.
        task: usize,
        /// The columns that it takes, in words.
        columns: String,
        /// The output's shape.
        output: Vec<i64>,
    },
    /// The weight of a task is negative or not a finite number.
    #[error("the weight of task {task} is {weight}: it must be a finite number, 0 or above")]
    TaskWeight {
        /// The task's place, counted from 0.
        task: usize,
        /// The weight that was given.
        weight: f64,
    },
    /// The number of class weights is not the number of classes in the output.
    #[error("{loss} has class weights of the shape {weight:?}, and the output has scores for {classes} classes")]
    ClassWeights {
        /// The loss function.
        loss: &'static str,
        /// The shape of the weights.
        weight: Vec<i64>,
        /// How many classes the output has, in dimension 1.
        classes: i64,
    },
    /// The label smoothing is not between 0 and 1.
    #[error("{loss} has a label smoothing of {smoothing}: it must be between 0 and 1; 0.1 is usual")]
    Smoothing {
        /// The loss function.
        loss: &'static str,
        /// The label smoothing that was given.
        smoothing: f64,
    },
    /// The losses are fewer or more than the items, so the weights of mixed targets can't be applied.
    #[error(
        "{loss} returned losses of the shape {got:?} for {items} items: with `Reduction::None` it must keep the items apart"
    )]
    NotPerItem {
        /// The loss function.
        loss: String,
        /// The shape of the returned losses.
        got: Vec<i64>,
        /// How many items there are.
        items: usize,
    },
    /// A setting is out of range.
    #[error("{loss}'s {name} is {value}: it must be {wanted}")]
    Setting {
        /// The loss function.
        loss: &'static str,
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What would be right.
        wanted: &'static str,
    },
    /// libtorch returned an error.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(LossError);

impl LossError {
    /// A setting, if it is finite and fits.
    pub(super) fn check(
        loss: &'static str,
        name: &'static str,
        value: f64,
        fits: bool,
        wanted: &'static str,
    ) -> Result<f64, Self> {
        if value.is_finite() && fits { Ok(value) } else { Err(Self::Setting { loss, name, value, wanted }) }
    }
}

/// "one target", "2 targets".
fn targets(count: usize) -> String {
    if count == 1 { "one target".to_owned() } else { format!("{count} targets") }
}

/// The hint for a loss function that takes one target.
fn way_out(wanted: usize) -> &'static str {
    if wanted == 1 { ": `MultiTask` gives each target its loss" } else { "" }
}

/// Rejects what is not a single target: a mixed one, which a loss function gets only if `MixUpLoss` is not wrapped around it, and
/// several targets, each of which needs its own loss function.
pub(super) fn unmixed(loss: &'static str, target: &Target) -> LossError {
    match target {
        Target::Several(several) => LossError::Targets { loss, wanted: 1, got: several.len() },
        _ => LossError::TargetKind { loss, wanted: "one target, or two of them inside `MixUpLoss`", got: "mixed" },
    }
}
