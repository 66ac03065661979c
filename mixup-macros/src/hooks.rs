//! The one table of hooks and of the values that each can ask for.
//!
//! `#[callback]` checks users' code against it ([`crate::check`]). The runtime's event types, the trait `Callback` and what
//! each hook may return are generated from it ([`crate::runtime`]), so that the two cannot disagree.

/// How a value is passed to a hook, and so how a parameter may take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A small value that is copied: `epoch: usize` (or `epoch: &usize`).
    Copied,
    /// May be read: `last_metrics: &[f64]`.
    Shared,
    /// May be read or changed: `last_input: &mut Input` or `last_input: &Input`.
    Mutable,
}

/// A value that a parameter of a hook can ask for.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "a `Name` has a name")]
pub(crate) struct Name {
    pub name: &'static str,
    /// The type, without the reference of a borrowed value.
    pub ty: &'static str,
    pub access: Access,
    /// For a value that is read only on demand, because reading it waits for the device: the placeholder until then.
    pub deferred: Option<&'static str>,
    /// The type that most users write, if it is not `ty`.
    pub written: Option<&'static str>,
    pub doc: &'static str,
}

/// A hook: when it runs, which values it has, what it may return.
#[derive(Debug)]
pub(crate) struct Hook {
    pub name: &'static str,
    /// The runtime's type that contains the hook's values.
    pub event: &'static str,
    /// The hook whose values all exist here too.
    pub builds_on: Option<&'static str>,
    /// The values that exist here for the first time.
    pub adds: &'static [Name],
    /// The names of values that other hooks add and that exist here too.
    pub shares: &'static [&'static str],
    /// The requests that it may return.
    pub flows: &'static [&'static str],
    /// How often it runs.
    pub once: Once,
    /// The `…_end` hook of which this is the form with `always`: it runs for each callback that entered the phase, whatever happened.
    pub always: Option<&'static str>,
    pub doc: &'static str,
}

/// How often a hook runs: once per training, epoch, batch or prediction. `every`, `first` and `last` count epochs and batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    Training,
    Epoch,
    /// In training and in validation.
    Batch,
    TrainingBatch,
    Prediction,
    PredictionBatch,
}

impl Once {
    /// What the hook runs once per.
    pub(crate) fn per(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Epoch => "epoch",
            Self::Batch | Self::TrainingBatch | Self::PredictionBatch => "batch",
            Self::Prediction => "prediction",
        }
    }
}

const fn copied(name: &'static str, ty: &'static str, doc: &'static str) -> Name {
    Name { name, ty, access: Access::Copied, deferred: None, written: None, doc }
}

const fn on_demand(name: &'static str, ty: &'static str, deferred: &'static str, doc: &'static str) -> Name {
    Name { name, ty, access: Access::Copied, deferred: Some(deferred), written: None, doc }
}

const fn read(name: &'static str, ty: &'static str, doc: &'static str) -> Name {
    Name { name, ty, access: Access::Shared, deferred: None, written: None, doc }
}

const fn read_on_demand(name: &'static str, ty: &'static str, deferred: &'static str, doc: &'static str) -> Name {
    Name { name, ty, access: Access::Shared, deferred: Some(deferred), written: None, doc }
}

const fn changed(name: &'static str, ty: &'static str, doc: &'static str) -> Name {
    Name { name, ty, access: Access::Mutable, deferred: None, written: None, doc }
}

/// The hooks, in the order in which a training reaches them first.
pub(crate) const HOOKS: &[Hook] = &[
    Hook {
        name: "on_train_begin",
        event: "TrainBegin",
        builds_on: None,
        adds: &[
            copied("epochs", "usize", "How many epochs this training has; 0 in a run that only validates."),
            copied(
                "resumed",
                "bool",
                "Whether a saved state was loaded (`learn.load_state`) and no epoch has been trained since: what was loaded must not be reset.",
            ),
            read("metric_names", "[String]", "The names of the metrics, in the order of `last_metrics`."),
            changed(
                "loss_func",
                "LossFunc",
                "The loss function. A callback that replaces it must restore it in `on_train_end`; the learner restores it when the run ends.",
            ),
            changed("opt", "dyn Optimizer", "The optimizer, with its learning rate and its other hyperparameters."),
            read("params", "Params", "The model's parameters, by name."),
            changed("model", "dyn AnyModel", "The model: as its own type, or as `dyn AnyModel`."),
            read("data", "Data", "The data of training and of validation."),
            changed(
                "sampler",
                "Sampling",
                "The sampler of the training data, which draws each epoch's order. The learner restores it when the run ends.",
            ),
            changed(
                "valid_sampler",
                "Sampling",
                "The sampler of the validation data, which draws each validation's order. The learner restores it when the run ends.",
            ),
            changed(
                "rng",
                "Rng",
                "A random number generator of this callback's own: a function of the learner's seed, the callback's name, the hook and the place in the training, and of nothing else.",
            ),
            read(
                "values",
                "Values",
                "All values: the metrics, the training's own numbers, and what callbacks publish.",
            ),
            copied("device", "Device", "The model's device, to which the batches are moved."),
            copied("world", "World", "Which of how many processes that train together this one is: of one, the first."),
            read(
                "interrupt",
                "Interrupt",
                "What ends this run as Ctrl-C does: a callback may use it, see whether it was used, and hold it off.",
            ),
        ],
        shares: &[],
        flows: &["StopTraining"],
        once: Once::Training,
        always: None,
        doc: "Once, before the first epoch; only in a training. A callback that enters it also gets `on_train_end`, however training ends.",
    },
    Hook {
        name: "on_epoch_begin",
        event: "EpochBegin",
        builds_on: Some("on_train_begin"),
        adds: &[
            copied("epoch", "usize", "The epoch, counted from 0."),
            copied("iteration", "usize", "How many training batches are finished so far in the whole training."),
            copied("steps", "usize", "How many steps the optimizer has taken so far in the whole training."),
            copied("train", "bool", "Whether the model is being trained: false in validation."),
        ],
        shares: &[],
        flows: &["StopTraining", "SkipEpoch"],
        once: Once::Epoch,
        always: None,
        doc: "Before the first batch of each epoch.",
    },
    Hook {
        name: "on_batch_begin",
        event: "BatchBegin",
        builds_on: Some("on_epoch_begin"),
        adds: &[
            changed(
                "last_input",
                "Input",
                "The batch's input on the device, before the model sees it: `[n, …]`. `make_mut` is for changes in place. A callback that keeps it past the hook must copy it.",
            ),
            changed("last_target", "Target", "The batch's target on the device, for the same `n` items."),
            copied("num_batch", "usize", "The batch's number in this pass over the data, counted from 0."),
            copied(
                "batches",
                "usize",
                "How many batches this pass over the data has; of a stream, how many it has at most (`usize::MAX` if nothing bounds them).",
            ),
        ],
        shares: &[],
        flows: &["StopTraining", "SkipEpoch", "SkipBatch"],
        once: Once::Batch,
        always: None,
        doc: "Before each batch, in training and in validation, once it is on the device.",
    },
    Hook {
        name: "on_loss_begin",
        event: "LossBegin",
        builds_on: Some("on_batch_begin"),
        adds: &[Name {
            written: Some("Tensor"),
            ..changed(
                "last_output",
                "AnyOutput",
                "The model's output, before the loss function or its activation sees it: as its own type (`Tensor` for modules of `tch`), or as `AnyOutput`.",
            )
        }],
        shares: &[],
        flows: &["StopTraining"],
        once: Once::Batch,
        always: None,
        doc: "After the model's forward pass, in training and in validation.",
    },
    Hook {
        name: "on_backward_begin",
        event: "BackwardBegin",
        builds_on: Some("on_loss_begin"),
        adds: &[
            changed("last_loss", "Tensor", "The batch's loss, a scalar, from which the backward pass begins."),
            on_demand(
                "smooth_loss",
                "f64",
                "f64::NAN",
                "The training loss, smoothed over batches (β = 0.98, bias-corrected). Reading it waits for the device. NaN before the first batch.",
            ),
            changed(
                "running_loss",
                "RunningLoss",
                "What `smooth_loss` and `train_loss` are read from: a callback that trains with other processes sets it to their average.",
            ),
        ],
        shares: &[],
        flows: &["StopTraining", "SkipBackward"],
        once: Once::TrainingBatch,
        always: None,
        doc: "In training, before the backward pass.",
    },
    Hook {
        name: "on_backward_end",
        event: "BackwardEnd",
        builds_on: Some("on_backward_begin"),
        adds: &[read(
            "gradients",
            "Gradients",
            "The gradients, by the names of the parameters. They may be clipped or scaled in place.",
        )],
        shares: &[],
        flows: &["StopTraining", "SkipStep"],
        once: Once::TrainingBatch,
        always: None,
        doc: "In training, after the backward pass and before the optimizer's step.",
    },
    Hook {
        name: "on_step_end",
        event: "StepEnd",
        builds_on: Some("on_backward_end"),
        adds: &[copied("stepped", "bool", "Whether the optimizer took a step; false after `SkipStep`.")],
        shares: &[],
        flows: &["StopTraining", "KeepGradients"],
        once: Once::TrainingBatch,
        always: None,
        doc: "In training, after the optimizer's step and before the gradients are dropped.",
    },
    Hook {
        name: "on_batch_end",
        event: "BatchEnd",
        builds_on: Some("on_backward_begin"),
        adds: &[],
        shares: &[],
        flows: &["StopTraining", "SkipEpoch", "Validate"],
        once: Once::Batch,
        always: None,
        doc: "After each batch, in training and in validation.",
    },
    Hook {
        name: "on_batch_end_always",
        event: "BatchEndAlways",
        builds_on: Some("on_batch_begin"),
        adds: &[],
        shares: &[],
        flows: &[],
        once: Once::Batch,
        always: Some("on_batch_end"),
        doc: "For every callback that entered a batch, when it is over: completed, skipped, stopped, or ended by an error or a panic.",
    },
    Hook {
        name: "on_validate_begin",
        event: "ValidateBegin",
        builds_on: Some("on_epoch_begin"),
        adds: &[],
        shares: &[],
        flows: &["StopTraining", "SkipValidation"],
        once: Once::Epoch,
        always: None,
        doc: "Before a validation: the one that follows the training batches of an epoch, one between two batches, or one outside of a training.",
    },
    Hook {
        name: "on_validate_tally",
        event: "ValidateTally",
        builds_on: Some("on_validate_begin"),
        adds: &[changed(
            "tally",
            "Tally",
            "What the validation has measured, before its numbers are computed: it may be joined with what other processes have measured.",
        )],
        shares: &[],
        flows: &["StopTraining"],
        once: Once::Epoch,
        always: None,
        doc: "After the last batch of a validation, before `valid_loss` and the metrics are computed from what its batches gave.",
    },
    Hook {
        name: "on_validate_end",
        event: "ValidateEnd",
        builds_on: Some("on_validate_begin"),
        adds: &[on_demand(
            "valid_loss",
            "Option<f64>",
            "None",
            "The validation loss, averaged over the items; `None` without a validation.",
        )],
        shares: &[],
        flows: &["StopTraining"],
        once: Once::Epoch,
        always: None,
        doc: "After each validation that was begun.",
    },
    Hook {
        name: "on_validate_end_always",
        event: "ValidateEndAlways",
        builds_on: Some("on_validate_begin"),
        adds: &[],
        shares: &[],
        flows: &[],
        once: Once::Epoch,
        always: Some("on_validate_end"),
        doc: "For every callback that entered a validation, when it is over: completed, skipped, stopped, or ended by an error or a panic.",
    },
    Hook {
        name: "on_epoch_end",
        event: "EpochEnd",
        builds_on: Some("on_validate_end"),
        adds: &[
            read_on_demand(
                "last_metrics",
                "[f64]",
                "&[]",
                "The metrics on the validation data, in the order of `metric_names`; NaN without a validation.",
            ),
            on_demand(
                "train_loss",
                "f64",
                "f64::NAN",
                "The smoothed training loss at the end of the epoch; NaN without a training batch.",
            ),
            copied("epoch_time", "Duration", "How long the epoch took, validation included."),
        ],
        shares: &[],
        flows: &["StopTraining"],
        once: Once::Epoch,
        always: None,
        doc: "At the end of each epoch, after its validation.",
    },
    Hook {
        name: "on_epoch_end_always",
        event: "EpochEndAlways",
        builds_on: Some("on_epoch_begin"),
        adds: &[],
        shares: &[],
        flows: &[],
        once: Once::Epoch,
        always: Some("on_epoch_end"),
        doc: "For every callback that entered an epoch, when it is over: completed, skipped, stopped, or ended by an error or a panic.",
    },
    Hook {
        name: "on_train_end",
        event: "TrainEnd",
        builds_on: Some("on_train_begin"),
        adds: &[read("outcome", "Outcome", "How training ended: finished, stopped, failed, panicked or interrupted.")],
        shares: &[],
        flows: &[],
        once: Once::Training,
        always: None,
        doc: "Once, for every callback that entered `on_train_begin`, however training ended.",
    },
    Hook {
        name: "on_predict_begin",
        event: "PredictBegin",
        builds_on: None,
        adds: &[],
        shares: &["opt", "params", "model", "data", "rng", "values", "device", "world", "interrupt"],
        flows: &[],
        once: Once::Prediction,
        always: None,
        doc: "Before the first batch of predictions, which are outside of a training: they have no target and no loss.",
    },
    Hook {
        name: "on_predict_batch_begin",
        event: "PredictBatchBegin",
        builds_on: Some("on_predict_begin"),
        adds: &[],
        shares: &["last_input", "num_batch", "batches"],
        flows: &[],
        once: Once::PredictionBatch,
        always: None,
        doc: "Before each batch of predictions, once it is on the device.",
    },
    Hook {
        name: "on_predict_batch_end",
        event: "PredictBatchEnd",
        builds_on: Some("on_predict_batch_begin"),
        adds: &[],
        shares: &["last_output"],
        flows: &[],
        once: Once::PredictionBatch,
        always: None,
        doc: "After the model's forward pass for a batch of predictions, before the activation.",
    },
    Hook {
        name: "on_predict_batch_end_always",
        event: "PredictBatchEndAlways",
        builds_on: Some("on_predict_batch_begin"),
        adds: &[],
        shares: &[],
        flows: &[],
        once: Once::PredictionBatch,
        always: Some("on_predict_batch_end"),
        doc: "For every callback that entered a batch of predictions, when it is over: completed, or ended by an error or a panic.",
    },
    Hook {
        name: "on_predict_end",
        event: "PredictEnd",
        builds_on: Some("on_predict_begin"),
        adds: &[],
        shares: &[],
        flows: &[],
        once: Once::Prediction,
        always: None,
        doc: "After the last batch of predictions.",
    },
    Hook {
        name: "on_predict_end_always",
        event: "PredictEndAlways",
        builds_on: Some("on_predict_begin"),
        adds: &[],
        shares: &[],
        flows: &[],
        once: Once::Prediction,
        always: Some("on_predict_end"),
        doc: "For every callback that entered `on_predict_begin`, when the predictions are over: completed, or ended by an error or a panic.",
    },
];

impl Name {
    /// The parameter as users write it: `last_input: &mut Input`.
    pub(crate) fn spelt(&self) -> String {
        let Self { name, access, .. } = self;
        let ty = self.written.unwrap_or(self.ty);
        match access {
            Access::Copied => format!("{name}: {ty}"),
            Access::Shared => format!("{name}: &{ty}"),
            Access::Mutable => format!("{name}: &mut {ty}"),
        }
    }
}

impl Hook {
    /// Whether it ends what another hook began.
    pub(crate) fn is_end(&self) -> bool {
        self.name.ends_with("_end") || self.always.is_some()
    }

    /// The hook that this one becomes with `always`.
    pub(crate) fn with_always(&self) -> Option<&'static Hook> {
        HOOKS.iter().find(|hook| hook.always == Some(self.name))
    }

    /// Whether it runs in predictions, and so outside of a training.
    pub(crate) fn is_of_predictions(&self) -> bool {
        matches!(self.once, Once::Prediction | Once::PredictionBatch)
    }

    /// Its name without `on_`, as `#[on(…)]` takes it.
    pub(crate) fn moment(&self) -> &'static str {
        self.name.trim_start_matches("on_")
    }

    pub(crate) fn find(name: &str) -> Option<&'static Hook> {
        HOOKS.iter().find(|hook| hook.name == name)
    }

    /// All values that exist in this hook, those of earlier hooks first.
    pub(crate) fn names(&self) -> Vec<&'static Name> {
        let mut names = self.builds_on.and_then(Hook::find).map_or_else(Vec::new, Hook::names);
        names.extend(self.shares.iter().filter_map(|name| Some(first_with(name)?.1)));
        names.extend(Hook::find(self.name).into_iter().flat_map(|hook| hook.adds));
        names
    }
}

/// The hook in which a value exists first, and the value.
pub(crate) fn first_with(name: &str) -> Option<(&'static Hook, &'static Name)> {
    HOOKS.iter().find_map(|hook| Some((hook, hook.adds.iter().find(|known| known.name == name)?)))
}
