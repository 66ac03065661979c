//! What other libraries call the values of a hook, the options of a callback, and the words of the control flow.

use super::{
    Instead::{Advice, Name},
    Library,
    Library::{Composer, Fastai1, Fastai2, Ignite, Keras, Lightning, Loop, Trainer},
    Word,
};

/// A value that has another name here.
const fn is(of: &'static [Library], name: &'static str, here: &'static str) -> Word {
    Word { of, name, here: Name(here) }
}

/// A word for which there is something else to do.
const fn do_this(of: &'static [Library], name: &'static str, advice: &'static str) -> Word {
    Word { of, name, here: Advice(advice) }
}

const LEARNER: &str =
    "a hook has no learner, so ask for what you need by name, such as `epoch: usize` or `opt: &mut dyn Optimizer`";
const NUMBERS: &str = "ask for each number by its name, such as `smooth_loss: f64` in `on_batch_end`, or `accuracy: &Value` for a metric or \
                       another callback's value; publish your own with `grad_norm: &mut Value`";
const LOGGER: &str = "publish a number with `grad_norm: &mut Value`, which the table and the report show, or keep a logger in the callback's fields";
const BATCH: &str = "ask for `last_input: &Input` and `last_target: &Target`, or for `num_batch: usize`";
const LR: &str = "ask for `opt: &dyn Optimizer` and read `opt.lr()`";
const MOMENTUM: &str = "ask for `opt: &dyn Optimizer` and read `opt.hypers().last().momentum`";
const DECAY: &str = "ask for `opt: &dyn Optimizer` and read `opt.hypers().last().weight_decay`";
const SCHEDULE: &str =
    "add a `Scheduler` to the learner, or ask for `opt: &mut dyn Optimizer` and call `opt.set_lr(…)`";
const STATE: &str = "name the fields to save with `#[callback(state(…))]` on the `impl` block";
const ARGS: &str = "ask for what you need by name, such as `epochs: usize`, and keep settings in the callback's fields";
const ITEMS: &str = "ask for `last_input: &Input` and count with `last_input.items()`";
const OTHER: &str = "ask for each callback by its type, such as `recorder: &Recorder`";
const STOP: &str = "return `StopTraining::because(\"…\")`";
const SKIP_EPOCH: &str = "return `SkipEpoch` from `on_batch_end`";
const SKIP_VALIDATION: &str = "return `SkipValidation` from `on_validate_begin`";
const SKIP_BATCH: &str = "return `SkipBatch` from `on_batch_begin`";
const SKIP_BACKWARD: &str = "return `SkipBackward` from `on_backward_begin`";
const SKIP_STEP: &str = "return `SkipStep` from `on_backward_end`";
const VALIDATE: &str = "return `Validate` from `on_batch_end`";
const KEEP: &str = "return `KeepGradients` from `on_step_end`";

/// What the parameters of a hook are called elsewhere.
pub(crate) const VALUES: &[Word] = &[
    // The object that holds everything else.
    do_this(&[Fastai1, Fastai2], "learn", LEARNER),
    do_this(&[Fastai1, Fastai2], "learner", LEARNER),
    do_this(&[Lightning, Trainer], "trainer", LEARNER),
    do_this(&[Lightning], "pl_module", LEARNER),
    do_this(&[Composer, Ignite, Trainer], "state", LEARNER),
    do_this(&[Ignite], "engine", LEARNER),
    do_this(&[Trainer], "control", "a hook returns what to do, such as `StopTraining::because(\"…\")`"),
    do_this(&[Trainer], "args", ARGS),
    do_this(&[Fastai1, Trainer], "kwargs", ARGS),
    do_this(&[Keras, Trainer], "logs", NUMBERS),
    do_this(&[Composer], "logger", LOGGER),
    do_this(&[Fastai2], "cbs", OTHER),
    // The batch, its output and its loss.
    do_this(&[Lightning, Keras, Ignite], "batch", BATCH),
    is(&[Fastai2], "xb", "last_input"),
    is(&[Fastai2, Loop], "x", "last_input"),
    is(&[Loop], "input", "last_input"),
    is(&[Loop], "inputs", "last_input"),
    is(&[Fastai2], "yb", "last_target"),
    is(&[Fastai2, Loop], "y", "last_target"),
    is(&[Loop], "target", "last_target"),
    is(&[Loop], "targets", "last_target"),
    is(&[Loop], "label", "last_target"),
    is(&[Loop], "labels", "last_target"),
    is(&[Fastai2], "pred", "last_output"),
    is(&[Loop], "preds", "last_output"),
    is(&[Keras], "y_pred", "last_output"),
    is(&[Loop], "logits", "last_output"),
    is(&[Ignite, Loop], "output", "last_output"),
    is(&[Lightning, Composer], "outputs", "last_output"),
    is(&[Fastai2, Lightning, Composer, Loop], "loss", "last_loss"),
    is(&[Fastai2], "loss_grad", "last_loss"),
    is(&[Loop], "grad", "gradients"),
    is(&[Loop], "grads", "gradients"),
    do_this(&[Fastai2, Loop], "bs", ITEMS),
    do_this(&[Loop], "batch_size", ITEMS),
    // The place in the training.
    is(&[Fastai1, Loop], "n_epochs", "epochs"),
    is(&[Fastai2], "n_epoch", "epochs"),
    is(&[Lightning, Ignite], "max_epochs", "epochs"),
    is(&[Loop], "num_epochs", "epochs"),
    is(&[Trainer], "num_train_epochs", "epochs"),
    is(&[Lightning], "current_epoch", "epoch"),
    is(&[Lightning, Loop], "batch_idx", "num_batch"),
    is(&[Fastai2], "iter", "num_batch"),
    is(&[Fastai2], "n_iter", "batches"),
    is(&[Loop], "n_batches", "batches"),
    is(&[Loop], "num_batches", "batches"),
    is(&[Lightning], "num_training_batches", "batches"),
    is(&[Ignite], "epoch_length", "batches"),
    is(&[Keras], "steps_per_epoch", "batches"),
    is(&[Fastai2], "train_iter", "iteration"),
    is(&[Lightning, Trainer], "global_step", "steps"),
    do_this(
        &[Loop],
        "step",
        "ask for `steps: usize`, the optimizer's steps, or for `iteration: usize`, the training batches",
    ),
    do_this(&[Trainer], "max_steps", "multiply `epochs: usize` by `batches: usize`"),
    do_this(&[Fastai2], "pct_train", "divide `iteration: usize` by `epochs: usize` times `batches: usize`"),
    is(&[Fastai2, Loop], "training", "train"),
    do_this(&[Lightning], "stage", "ask for `train: bool`, or filter with `train` or `valid` in `#[on(…)]`"),
    do_this(&[Lightning], "dataloader_idx", "leave it out, since a learner has one set of validation data"),
    // What is trained, and how.
    is(&[Trainer, Lightning, Keras], "optimizer", "opt"),
    is(&[Composer], "optimizers", "opt"),
    is(&[Loop], "optim", "opt"),
    do_this(&[Fastai2, Loop], "lr", LR),
    do_this(&[Keras, Trainer], "learning_rate", LR),
    do_this(&[Fastai1, Fastai2], "mom", MOMENTUM),
    do_this(&[Loop], "momentum", MOMENTUM),
    do_this(&[Fastai1, Fastai2], "wd", DECAY),
    do_this(&[Trainer, Loop], "weight_decay", DECAY),
    do_this(&[Loop], "scheduler", SCHEDULE),
    do_this(&[Trainer], "lr_scheduler", SCHEDULE),
    do_this(&[Composer], "schedulers", SCHEDULE),
    is(&[Loop], "criterion", "loss_func"),
    is(&[Loop], "loss_fn", "loss_func"),
    is(&[Loop], "net", "model"),
    is(&[Loop], "module", "model"),
    is(&[Loop], "vs", "params"),
    is(&[Loop], "weights", "params"),
    is(&[Fastai2], "dls", "data"),
    is(&[Fastai2], "dl", "data"),
    is(&[Ignite], "dataloader", "data"),
    is(&[Trainer, Composer], "train_dataloader", "data"),
    is(&[Trainer, Composer], "eval_dataloader", "data"),
    is(&[Lightning], "datamodule", "data"),
    is(&[Loop], "batch_sampler", "sampler"),
    is(&[Trainer], "train_sampler", "sampler"),
    do_this(&[Trainer], "tokenizer", ARGS),
    do_this(&[Trainer], "processing_class", ARGS),
    // What was measured.
    is(&[Fastai1], "metrics_names", "metric_names"),
    is(&[Trainer, Ignite, Composer], "metrics", "last_metrics"),
    is(&[Lightning], "callback_metrics", "values"),
    is(&[Lightning], "logged_metrics", "values"),
    is(&[Lightning], "progress_bar_metrics", "values"),
    is(&[Keras, Loop], "val_loss", "valid_loss"),
    is(&[Trainer], "eval_loss", "valid_loss"),
    do_this(&[Fastai1], "pbar", "leave it out, since a callback shows progress in its own way"),
    // How it ended, and what is saved.
    is(&[Fastai1, Lightning], "exception", "outcome"),
    is(&[Loop], "error", "outcome"),
    do_this(&[Lightning], "checkpoint", STATE),
    do_this(&[Lightning], "state_dict", STATE),
    is(&[Trainer], "resume_from_checkpoint", "resumed"),
    do_this(&[Lightning], "ckpt_path", "ask for `resumed: bool` to learn whether a saved state was loaded"),
    // What fastai v1 returns in a dictionary, and others set on an object.
    do_this(&[Fastai1, Keras], "stop_training", STOP),
    do_this(&[Lightning], "should_stop", STOP),
    do_this(&[Trainer], "should_training_stop", STOP),
    do_this(&[Fastai1], "stop_epoch", SKIP_EPOCH),
    do_this(&[Trainer], "should_epoch_stop", SKIP_EPOCH),
    do_this(&[Fastai1], "skip_validate", SKIP_VALIDATION),
    do_this(&[Fastai1], "skip_bwd", SKIP_BACKWARD),
    do_this(&[Fastai1], "skip_step", SKIP_STEP),
    do_this(&[Fastai1], "skip_zero", KEEP),
    do_this(&[Trainer], "should_evaluate", VALIDATE),
    do_this(&[Trainer], "should_log", LOGGER),
    do_this(&[Trainer], "should_save", STATE),
];

/// Types that hold everything else, here and elsewhere. Under a parameter's name, a callback may have such a type too.
pub(crate) const LEARNERS: &[(&str, Option<&str>)] = &[
    ("Learner", None),
    ("LightningModule", None),
    ("TrainerState", None),
    ("TrainerControl", None),
    ("TrainingArguments", None),
    ("Trainer", Some("trainer")),
    ("Engine", Some("engine")),
    ("State", Some("state")),
];

/// What options of a callback and filters of a hook are called elsewhere: what to write in their place.
pub(crate) const OPTIONS: &[Word] = &[
    is(&[Fastai2], "run_after", "after = Other"),
    is(&[Fastai2], "run_before", "before = Other"),
    is(&[Fastai1], "_order", "order = 10"),
    is(&[Fastai2], "toward_end", "order = 10"),
    is(&[Lightning], "state_key", "name = \"watch\""),
    is(&[Lightning, Composer], "state_dict", "state"),
    is(&[Fastai2], "run_train", "valid"),
    is(&[Fastai2], "run_valid", "train"),
    is(&[Ignite], "once", "if = iteration == 49"),
    is(&[Ignite], "event_filter", "if = iteration > 50"),
    is(&[Lightning], "every_n_epochs", "every = 5"),
    is(&[Lightning], "every_n_train_steps", "every = 50"),
    is(&[Lightning], "log_every_n_steps", "every = 50"),
    is(&[Trainer], "logging_steps", "every = 50"),
    is(&[Keras], "save_freq", "every = 50"),
];

/// Words of the control flow that a hook's code may have: what to return in their place.
pub(crate) const FLOWS: &[Word] = &[
    do_this(&[Fastai2], "CancelFitException", STOP),
    do_this(&[Fastai2], "CancelTrainException", SKIP_EPOCH),
    do_this(
        &[Fastai2],
        "CancelEpochException",
        "return `SkipEpoch` from `on_batch_end`, and `SkipValidation` from `on_validate_begin`",
    ),
    do_this(&[Fastai2], "CancelBatchException", SKIP_BATCH),
    do_this(&[Fastai2], "CancelBackwardException", SKIP_BACKWARD),
    do_this(&[Fastai2], "CancelStepException", SKIP_STEP),
    do_this(&[Fastai2], "CancelValidException", SKIP_VALIDATION),
    do_this(&[Trainer], "TrainerControl", STOP),
];
