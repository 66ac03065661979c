//! The one table of hooks and of the names that each may ask for.
//!
//! `#[callback]` checks users' code against it ([`crate::check`]), and the runtime's event types, the trait `Callback`
//! and the flow values of each hook are generated from it ([`crate::runtime`]), so that the two cannot disagree.

/// How a value is lent to a hook, and so how a parameter may take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lent {
    /// A small value that is copied: `epoch: usize` (or `epoch: &usize`).
    Copied,
    /// May be read: `last_metrics: &[f64]`.
    Read,
    /// May be read or changed: `last_input: &mut Input` or `last_input: &Input`.
    Changed,
}

/// A name that a hook's parameter may have.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "a name's name is its name")]
pub(crate) struct Name {
    pub name: &'static str,
    /// The type, without the reference for what is lent.
    pub ty: &'static str,
    pub lent: Lent,
    /// For what costs something to make, and is made only when somebody asks: what stands there until then.
    pub unmade: Option<&'static str>,
    pub doc: &'static str,
}

/// A hook: when it runs, what exists then, what it may answer.
#[derive(Debug)]
pub(crate) struct Hook {
    pub name: &'static str,
    /// The runtime's type that carries what exists then.
    pub event: &'static str,
    /// The hook whose names all exist here too.
    pub builds_on: Option<&'static str>,
    /// The names that exist here for the first time.
    pub adds: &'static [Name],
    /// The flow values that it may return.
    pub flows: &'static [&'static str],
    /// What it comes once for.
    pub once: Once,
    pub doc: &'static str,
}

/// What a hook comes once for, and so what `every`, `first` and `last` count there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    Training,
    Epoch,
    /// A batch, trained or validated.
    Batch,
    TrainingBatch,
}

const fn copied(name: &'static str, ty: &'static str, doc: &'static str) -> Name {
    Name { name, ty, lent: Lent::Copied, unmade: None, doc }
}

const fn on_demand(name: &'static str, ty: &'static str, unmade: &'static str, doc: &'static str) -> Name {
    Name { name, ty, lent: Lent::Copied, unmade: Some(unmade), doc }
}

const fn read(name: &'static str, ty: &'static str, doc: &'static str) -> Name {
    Name { name, ty, lent: Lent::Read, unmade: None, doc }
}

const fn read_on_demand(name: &'static str, ty: &'static str, unmade: &'static str, doc: &'static str) -> Name {
    Name { name, ty, lent: Lent::Read, unmade: Some(unmade), doc }
}

const fn changed(name: &'static str, ty: &'static str, doc: &'static str) -> Name {
    Name { name, ty, lent: Lent::Changed, unmade: None, doc }
}

/// The hooks, in the order in which a training reaches them first.
pub(crate) const HOOKS: &[Hook] = &[
    Hook {
        name: "on_train_begin",
        event: "TrainBegin",
        builds_on: None,
        adds: &[
            copied(
                "epochs",
                "usize",
                "How many epochs this training is to have; 0 where a run only validates or predicts.",
            ),
            read("metric_names", "[String]", "The names of the metrics, in the order of `last_metrics`."),
            changed("loss_func", "LossFunc", "The loss function. Who replaces it gives it back in `on_train_end`."),
            changed("opt", "dyn Optimizer", "The optimizer, with its learning rate and its other hyper-parameters."),
            read("params", "Params", "The model's parameters, by name."),
            changed("model", "dyn Model", "The model."),
            read("data", "Data", "The data that is trained and validated on."),
            changed("rng", "Rng", "The learner's generator: whatever is random draws from it."),
            copied("device", "Device", "Where the model lies and where the batches are sent."),
        ],
        flows: &["StopTraining"],
        once: Once::Training,
        doc: "Once, before the first epoch. Whoever enters it gets `on_train_end`, however training ends.",
    },
    Hook {
        name: "on_epoch_begin",
        event: "EpochBegin",
        builds_on: Some("on_train_begin"),
        adds: &[
            copied("epoch", "usize", "The epoch, counted from 0."),
            copied("iteration", "usize", "Training batches finished so far in the whole training."),
            copied("train", "bool", "Whether the model is being trained: false while it is validated."),
        ],
        flows: &["StopTraining", "SkipEpoch"],
        once: Once::Epoch,
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
                "The batch's input, on the device, before the model sees it: `[n, …]`. Who keeps it past the hook takes a copy: callbacks may change it in place.",
            ),
            changed("last_target", "Target", "The batch's target, on the device, for as many items."),
            read(
                "fresh",
                "Fresh",
                "Which of the batch's tensors were made for this step alone, and so may be changed in place.",
            ),
            copied("num_batch", "usize", "The batch's place in this pass over the data, counted from 0."),
            copied("batches", "usize", "How many batches this pass over the data has."),
        ],
        flows: &["StopTraining", "SkipEpoch", "SkipBatch"],
        once: Once::Batch,
        doc: "Each batch, in training and in validation, when it is on the device.",
    },
    Hook {
        name: "on_loss_begin",
        event: "LossBegin",
        builds_on: Some("on_batch_begin"),
        adds: &[changed("last_output", "Tensor", "What the model answered, before the loss function sees it.")],
        flows: &[],
        once: Once::Batch,
        doc: "After the model's forward pass, in training and in validation.",
    },
    Hook {
        name: "on_backward_begin",
        event: "BackwardBegin",
        builds_on: Some("on_loss_begin"),
        adds: &[
            changed("last_loss", "Tensor", "The batch's loss, a scalar: what the backward pass begins with."),
            on_demand(
                "smooth_loss",
                "f64",
                "f64::NAN",
                "The training loss, smoothed over batches (β 0.98, bias corrected). Waits for the device; NaN before the first batch.",
            ),
        ],
        flows: &["SkipBackward"],
        once: Once::TrainingBatch,
        doc: "In training, before the backward pass.",
    },
    Hook {
        name: "on_backward_end",
        event: "BackwardEnd",
        builds_on: Some("on_backward_begin"),
        adds: &[read(
            "gradients",
            "Gradients",
            "The gradients, by the parameters' names; may be clipped or scaled in place.",
        )],
        flows: &["SkipStep"],
        once: Once::TrainingBatch,
        doc: "In training, after the backward pass and before the optimizer's step.",
    },
    Hook {
        name: "on_step_end",
        event: "StepEnd",
        builds_on: Some("on_backward_end"),
        adds: &[],
        flows: &["KeepGradients"],
        once: Once::TrainingBatch,
        doc: "In training, after the optimizer's step and before the gradients are zeroed.",
    },
    Hook {
        name: "on_batch_end",
        event: "BatchEnd",
        builds_on: Some("on_backward_begin"),
        adds: &[],
        flows: &["StopTraining", "SkipEpoch"],
        once: Once::Batch,
        doc: "After each batch, in training and in validation.",
    },
    Hook {
        name: "on_validate_begin",
        event: "ValidateBegin",
        builds_on: Some("on_epoch_begin"),
        adds: &[],
        flows: &["SkipValidation"],
        once: Once::Epoch,
        doc: "Before the validation that follows the training batches of an epoch.",
    },
    Hook {
        name: "on_validate_end",
        event: "ValidateEnd",
        builds_on: Some("on_validate_begin"),
        adds: &[on_demand(
            "valid_loss",
            "Option<f64>",
            "None",
            "The validation loss, averaged over the items; `None` where there was no validation.",
        )],
        flows: &[],
        once: Once::Epoch,
        doc: "After a validation that was begun.",
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
                "The metrics on the validation data, in the order of `metric_names`; NaN where there was no validation.",
            ),
            on_demand(
                "train_loss",
                "f64",
                "f64::NAN",
                "The smoothed training loss at the end of the epoch; NaN without a training batch.",
            ),
            copied("epoch_time", "Duration", "How long the epoch took, validation included."),
        ],
        flows: &["StopTraining"],
        once: Once::Epoch,
        doc: "After the validation of each epoch.",
    },
    Hook {
        name: "on_train_end",
        event: "TrainEnd",
        builds_on: Some("on_train_begin"),
        adds: &[read("outcome", "Outcome", "How training ended: finished, stopped, failed, panicked, interrupted.")],
        flows: &[],
        once: Once::Training,
        doc: "Once, for every callback whose `on_train_begin` was entered, however training ended.",
    },
];

impl Name {
    /// A parameter of this name, in full, as a user writes it.
    pub(crate) fn spelt(&self) -> String {
        let Self { name, ty, lent, .. } = self;
        match lent {
            Lent::Copied => format!("{name}: {ty}"),
            Lent::Read => format!("{name}: &{ty}"),
            Lent::Changed => format!("{name}: &mut {ty}"),
        }
    }
}

impl Hook {
    /// Whether it closes what another hook opened.
    pub(crate) fn is_end(&self) -> bool {
        self.name.ends_with("_end")
    }

    /// Its name without `on_`, as `#[on(…)]` has it.
    pub(crate) fn moment(&self) -> &'static str {
        self.name.trim_start_matches("on_")
    }

    pub(crate) fn find(name: &str) -> Option<&'static Hook> {
        HOOKS.iter().find(|hook| hook.name == name)
    }

    /// Every name that exists in this hook, the oldest first.
    pub(crate) fn names(&self) -> Vec<&'static Name> {
        let mut names = self.builds_on.and_then(Hook::find).map_or_else(Vec::new, Hook::names);
        names.extend(Hook::find(self.name).into_iter().flat_map(|hook| hook.adds));
        names
    }
}

/// The hook in which a name exists first, and the name.
pub(crate) fn first_with(name: &str) -> Option<(&'static Hook, &'static Name)> {
    HOOKS.iter().find_map(|hook| Some((hook, hook.adds.iter().find(|known| known.name == name)?)))
}
