//! The hooks and events of other libraries, one row for each name.
//!
//! Sources: fastai v1 `fastai/callback.py`; fastai v2 `fastai/callback/core.py`; Lightning `pytorch/callbacks/callback.py`,
//! `pytorch/core/hooks.py` and `pytorch/core/module.py`; Keras `src/callbacks/callback.py`; Composer `core/event.py` and
//! `core/callback.py`; Ignite `engine/events.py`; transformers `trainer_callback.py`.

use super::{
    Here, Library,
    Library::{Composer, Fastai1, Fastai2, Ignite, Keras, Lightning, Trainer},
    Moment,
};

/// The same moment.
const fn is(of: &'static [Library], name: &'static str, hook: &'static str) -> Moment {
    with(of, name, hook, "", "")
}

/// In training only, where the hook here also runs in validation.
const fn train(of: &'static [Library], name: &'static str, hook: &'static str) -> Moment {
    with(of, name, hook, "train", "")
}

/// In validation only, where the hook here also runs in training.
const fn valid(of: &'static [Library], name: &'static str, hook: &'static str) -> Moment {
    with(of, name, hook, "valid", "")
}

const fn with(
    of: &'static [Library],
    name: &'static str,
    hook: &'static str,
    filters: &'static str,
    note: &'static str,
) -> Moment {
    Moment { of, name, here: Here::Hook { hook, filters, note }, certain: true }
}

/// A moment for which there is no hook.
const fn none(of: &'static [Library], name: &'static str, advice: &'static str) -> Moment {
    Moment { of, name, here: Here::Otherwise(advice), certain: true }
}

/// A name that a helper may have too.
const fn perhaps(mut moment: Moment) -> Moment {
    moment.certain = false;
    moment
}

const OUTCOME: &str = ", whose `outcome: &Outcome` says how training ended";
const ALWAYS_BATCH: &str = ", which runs however the batch ends";
const ALWAYS_EPOCH: &str = ", which runs however the epoch ends";
const ALWAYS_VALIDATE: &str = ", which runs however the validation ends";
const STEPPED: &str = ", whose `stepped: bool` is false after `SkipStep`";
const TEST: &str = ", since `learn.validate_on(Part::Test)` runs the hooks of a validation";
const ON_DEVICE: &str = ", where the batch is on the device already";
const CREATED: &str = "prepare the callback where you create it, or in `on_train_begin`";
const SAVE: &str = "name the fields to save with `#[callback(state(…))]` on the `impl` block";
const LOAD: &str = "name the fields with `#[callback(state(…))]`, and `learn.load_state(…)` restores them";
const MODE: &str = "the learner passes `train` to `Model::forward_batch`, so there is no mode to switch";
const MODEL: &str = "the learner runs the `Model` that you pass to `Learner::builder`";
const LOSS: &str = "the learner computes the loss, which the builder takes with `.loss(…)`";
const DATA: &str = "the learner reads the batches of the `Data` that you pass to `Learner::builder`";
const OPTIMIZER: &str = "the learner runs the optimizer, which the builder takes with `.optimizer(…)`, or with `.optimizer_for(…)` for one group of the parameters";
const STEP: &str = "the learner computes the loss, which the builder takes with `.loss(…)`; to replace the whole step, give the builder a `TrainStep` with `.step(…)`";
const STEP_BACKWARD: &str =
    "a `TrainStep`, which the builder takes with `.step(…)`, calls `now.optimize(…)` for each of its losses";
const BACKWARD: &str = "write `on_backward_begin` to change the loss, since the learner runs the backward pass";
const SANITY: &str = "call `learn.validate()` before `learn.fit(…)`, since nothing is checked before training";
const CLOSE: &str = "write `on_train_end`, or implement `Drop` for the callback";

/// Every hook and event whose name is not a hook's here. Those with the same name here are not in the list.
pub(crate) const MOMENTS: &[Moment] = &[
    // The whole training.
    is(&[Fastai2], "before_fit", "on_train_begin"),
    is(&[Lightning], "on_fit_start", "on_train_begin"),
    is(&[Lightning], "on_train_start", "on_train_begin"),
    is(&[Lightning], "on_pretrain_routine_start", "on_train_begin"),
    is(&[Lightning], "on_pretrain_routine_end", "on_train_begin"),
    is(&[Lightning], "on_before_accelerator_backend_setup", "on_train_begin"),
    is(&[Lightning], "on_before_optimizer_setup", "on_train_begin"),
    is(&[Composer], "fit_start", "on_train_begin"),
    is(&[Composer], "training_start", "on_train_begin"),
    perhaps(is(&[Ignite], "started", "on_train_begin")),
    is(&[Fastai2], "after_fit", "on_train_end"),
    is(&[Lightning], "on_fit_end", "on_train_end"),
    is(&[Composer], "fit_end", "on_train_end"),
    is(&[Composer], "training_end", "on_train_end"),
    perhaps(is(&[Ignite], "completed", "on_train_end")),
    with(&[Fastai2], "after_cancel_fit", "on_train_end", "", OUTCOME),
    with(&[Lightning], "on_exception", "on_train_end", "", OUTCOME),
    with(&[Lightning], "on_keyboard_interrupt", "on_train_end", "", OUTCOME),
    with(&[Ignite], "exception_raised", "on_train_end", "", OUTCOME),
    perhaps(with(&[Ignite], "terminate", "on_train_end", "", OUTCOME)),
    perhaps(with(&[Ignite], "interrupt", "on_train_end", "", OUTCOME)),
    is(&[Trainer], "on_push_begin", "on_train_end"),
    // Epochs.
    is(&[Fastai2], "before_epoch", "on_epoch_begin"),
    is(&[Fastai2], "before_train", "on_epoch_begin"),
    is(&[Lightning], "on_epoch_start", "on_epoch_begin"),
    is(&[Lightning], "on_train_epoch_start", "on_epoch_begin"),
    is(&[Composer], "epoch_start", "on_epoch_begin"),
    is(&[Ignite], "epoch_started", "on_epoch_begin"),
    with(&[Composer], "iteration_start", "on_epoch_begin", "", ", since there is nothing above an epoch"),
    is(&[Fastai2], "after_epoch", "on_epoch_end"),
    with(&[Fastai2], "after_cancel_epoch", "on_epoch_end", "always", ALWAYS_EPOCH),
    is(&[Lightning], "on_train_epoch_end", "on_epoch_end"),
    is(&[Lightning], "training_epoch_end", "on_epoch_end"),
    perhaps(with(
        &[Composer],
        "epoch_end",
        "on_epoch_end",
        "",
        ", which runs after the validation, or `on_validate_begin`, which runs before it",
    )),
    is(&[Composer], "epoch_checkpoint", "on_epoch_end"),
    with(&[Composer], "iteration_end", "on_epoch_end", "", ", since there is nothing above an epoch"),
    with(&[Composer], "iteration_checkpoint", "on_epoch_end", "", ", since there is nothing above an epoch"),
    is(&[Ignite], "epoch_completed", "on_epoch_end"),
    with(&[Ignite], "terminate_single_epoch", "on_epoch_end", "always", ALWAYS_EPOCH),
    with(
        &[Trainer],
        "on_log",
        "on_epoch_end",
        "",
        ", with numbers such as `train_loss: f64`, or all with `values: &Values`",
    ),
    // Batches of training.
    is(&[Fastai2], "before_batch", "on_batch_begin"),
    is(&[Lightning], "on_batch_start", "on_batch_begin"),
    train(&[Lightning], "on_train_batch_start", "on_batch_begin"),
    is(&[Lightning], "on_after_batch_transfer", "on_batch_begin"),
    with(&[Lightning], "on_before_batch_transfer", "on_batch_begin", "", ON_DEVICE),
    train(&[Keras], "on_train_batch_begin", "on_batch_begin"),
    with(&[Composer], "before_dataloader", "on_batch_begin", "", ON_DEVICE),
    train(&[Composer], "after_dataloader", "on_batch_begin"),
    train(&[Composer], "batch_start", "on_batch_begin"),
    train(&[Composer], "before_train_batch", "on_batch_begin"),
    train(&[Composer], "before_forward", "on_batch_begin"),
    train(&[Ignite], "iteration_started", "on_batch_begin"),
    with(&[Ignite], "get_batch_started", "on_batch_begin", "", ON_DEVICE),
    train(&[Ignite], "get_batch_completed", "on_batch_begin"),
    train(&[Trainer], "on_step_begin", "on_batch_begin"),
    is(&[Fastai2], "after_pred", "on_loss_begin"),
    train(&[Composer], "after_forward", "on_loss_begin"),
    train(&[Composer], "before_loss", "on_loss_begin"),
    with(
        &[Fastai2, Composer],
        "after_loss",
        "on_backward_begin",
        "",
        ", which runs in training only, while `on_batch_end` has the loss in validation too",
    ),
    is(&[Fastai2, Composer], "before_backward", "on_backward_begin"),
    is(&[Lightning], "on_before_backward", "on_backward_begin"),
    is(&[Fastai2, Composer], "after_backward", "on_backward_end"),
    with(&[Fastai2], "after_cancel_backward", "on_batch_end", "train", ", which also runs after `SkipBackward`"),
    is(&[Fastai2], "before_step", "on_backward_end"),
    is(&[Lightning], "on_after_backward", "on_backward_end"),
    is(&[Lightning], "on_before_optimizer_step", "on_backward_end"),
    is(&[Composer], "after_train_batch", "on_backward_end"),
    is(&[Trainer], "on_pre_optimizer_step", "on_backward_end"),
    is(&[Fastai2], "after_step", "on_step_end"),
    with(&[Fastai2], "after_cancel_step", "on_step_end", "", STEPPED),
    is(&[Lightning], "on_before_zero_grad", "on_step_end"),
    is(&[Trainer], "on_optimizer_step", "on_step_end"),
    with(&[Trainer], "on_substep_end", "on_step_end", "", STEPPED),
    is(&[Fastai2], "after_batch", "on_batch_end"),
    with(&[Fastai2], "after_cancel_batch", "on_batch_end", "always", ALWAYS_BATCH),
    train(&[Lightning, Keras], "on_train_batch_end", "on_batch_end"),
    perhaps(with(&[Composer], "batch_end", "on_batch_end", "", ", or `#[on(batch_end, train)]` for training alone")),
    train(&[Composer], "batch_checkpoint", "on_batch_end"),
    train(&[Ignite], "iteration_completed", "on_batch_end"),
    with(
        &[Ignite],
        "dataloader_stop_iteration",
        "on_batch_end",
        "train, last",
        ", which runs after the last batch of each epoch",
    ),
    // Validation.
    with(
        &[Fastai2],
        "after_train",
        "on_validate_begin",
        "",
        ", or `#[on(batch_end, train, last)]` if there may be no validation",
    ),
    with(
        &[Fastai2],
        "after_cancel_train",
        "on_validate_begin",
        "",
        ", which also runs after `SkipEpoch` from a hook of a batch",
    ),
    is(&[Fastai2], "before_validate", "on_validate_begin"),
    is(&[Lightning], "on_validation_start", "on_validate_begin"),
    is(&[Lightning], "on_validation_epoch_start", "on_validate_begin"),
    is(&[Lightning], "on_validation_model_zero_grad", "on_validate_begin"),
    is(&[Composer], "eval_before_all", "on_validate_begin"),
    is(&[Composer], "eval_start", "on_validate_begin"),
    is(&[Composer], "eval_standalone_start", "on_validate_begin"),
    valid(&[Lightning], "on_validation_batch_start", "on_batch_begin"),
    valid(&[Lightning], "on_validation_batch_end", "on_batch_end"),
    valid(&[Composer], "eval_batch_start", "on_batch_begin"),
    valid(&[Composer], "eval_before_forward", "on_batch_begin"),
    valid(&[Composer], "eval_after_forward", "on_loss_begin"),
    valid(&[Composer], "eval_batch_end", "on_batch_end"),
    valid(&[Trainer], "on_prediction_step", "on_batch_end"),
    is(&[Fastai2], "after_validate", "on_validate_end"),
    with(&[Fastai2], "after_cancel_validate", "on_validate_end", "always", ALWAYS_VALIDATE),
    is(&[Lightning], "on_validation_end", "on_validate_end"),
    is(&[Lightning], "on_validation_epoch_end", "on_validate_end"),
    is(&[Lightning], "validation_epoch_end", "on_validate_end"),
    is(&[Composer], "eval_end", "on_validate_end"),
    is(&[Composer], "eval_after_all", "on_validate_end"),
    is(&[Composer], "eval_standalone_end", "on_validate_end"),
    is(&[Trainer], "on_evaluate", "on_validate_end"),
    none(&[Lightning], "on_sanity_check_start", SANITY),
    none(&[Lightning], "on_sanity_check_end", SANITY),
    // Tests, which are validations in Keras and phases of their own in Lightning.
    with(&[Lightning], "on_test_start", "on_validate_begin", "", TEST),
    with(&[Keras], "on_test_begin", "on_validate_begin", "", TEST),
    with(&[Lightning], "on_test_epoch_start", "on_validate_begin", "", TEST),
    with(&[Lightning, Keras], "on_test_end", "on_validate_end", "", TEST),
    with(&[Lightning], "on_test_epoch_end", "on_validate_end", "", TEST),
    with(&[Lightning], "test_epoch_end", "on_validate_end", "", TEST),
    with(&[Lightning], "on_test_batch_start", "on_batch_begin", "valid", TEST),
    with(&[Keras], "on_test_batch_begin", "on_batch_begin", "valid", TEST),
    with(&[Lightning, Keras], "on_test_batch_end", "on_batch_end", "valid", TEST),
    // Predictions. Keras has the names of ours.
    is(&[Lightning], "on_predict_start", "on_predict_begin"),
    is(&[Lightning], "on_predict_epoch_start", "on_predict_begin"),
    is(&[Composer], "predict_start", "on_predict_begin"),
    is(&[Lightning], "on_predict_epoch_end", "on_predict_end"),
    is(&[Composer], "predict_end", "on_predict_end"),
    is(&[Trainer], "on_predict", "on_predict_end"),
    is(&[Lightning], "on_predict_batch_start", "on_predict_batch_begin"),
    is(&[Composer], "predict_batch_start", "on_predict_batch_begin"),
    is(&[Composer], "predict_before_forward", "on_predict_batch_begin"),
    is(&[Composer], "predict_after_forward", "on_predict_batch_end"),
    is(&[Composer], "predict_batch_end", "on_predict_batch_end"),
    // States and checkpoints.
    none(&[Lightning], "on_save_checkpoint", SAVE),
    none(&[Lightning], "on_load_checkpoint", LOAD),
    none(&[Lightning], "on_hpc_save", SAVE),
    none(&[Lightning], "on_hpc_load", LOAD),
    none(&[Trainer], "on_save", SAVE),
    none(&[Composer], "before_load", LOAD),
    none(&[Composer], "after_load", LOAD),
    perhaps(none(&[Lightning, Composer], "state_dict", SAVE)),
    perhaps(none(&[Lightning, Composer], "load_state_dict", LOAD)),
    perhaps(none(&[Fastai1], "get_state", SAVE)),
    perhaps(none(&[Fastai1], "jump_to_epoch", LOAD)),
    // Before and after everything.
    none(&[Fastai2], "after_create", CREATED),
    none(&[Lightning], "on_init_start", CREATED),
    none(&[Lightning, Trainer], "on_init_end", CREATED),
    perhaps(none(&[Composer], "init", CREATED)),
    perhaps(is(&[Lightning], "setup", "on_train_begin")),
    perhaps(is(&[Lightning], "teardown", "on_train_end")),
    perhaps(none(&[Composer], "close", CLOSE)),
    perhaps(none(&[Composer], "post_close", CLOSE)),
    perhaps(none(&[Composer], "run_event", "write a method for each hook, named as the hook is")),
    perhaps(none(&[Keras], "set_model", "ask for `model: &mut dyn AnyModel` in the hook that needs it")),
    perhaps(none(&[Keras], "set_params", "ask for `epochs: usize` or `batches: usize` in the hook that needs it")),
    // What a `LightningModule` does, and what a learner does by itself.
    none(&[Lightning], "on_validation_model_eval", MODE),
    none(&[Lightning], "on_validation_model_train", MODE),
    none(&[Lightning], "on_test_model_eval", MODE),
    none(&[Lightning], "on_test_model_train", MODE),
    none(&[Lightning], "on_predict_model_eval", MODE),
    none(&[Lightning], "on_configure_sharded_model", MODEL),
    none(&[Lightning], "on_post_move_to_device", MODEL),
    perhaps(none(&[Lightning], "configure_sharded_model", MODEL)),
    perhaps(none(&[Lightning], "configure_model", MODEL)),
    perhaps(none(&[Lightning], "forward", MODEL)),
    perhaps(none(&[Lightning], "training_step", STEP)),
    perhaps(none(&[Lightning], "validation_step", LOSS)),
    perhaps(none(&[Lightning], "test_step", LOSS)),
    perhaps(none(&[Lightning], "predict_step", LOSS)),
    perhaps(none(&[Lightning], "backward", BACKWARD)),
    perhaps(none(&[Lightning], "manual_backward", STEP_BACKWARD)),
    perhaps(none(&[Lightning], "configure_optimizers", OPTIMIZER)),
    perhaps(none(&[Lightning], "optimizer_step", OPTIMIZER)),
    perhaps(is(&[Lightning], "optimizer_zero_grad", "on_step_end")),
    perhaps(is(&[Lightning], "configure_gradient_clipping", "on_backward_end")),
    perhaps(none(
        &[Lightning],
        "lr_scheduler_step",
        "write `#[on(batch_begin, train)]` and call `opt.set_lr(…)` on `opt: &mut dyn Optimizer`",
    )),
    perhaps(none(&[Lightning], "configure_callbacks", "add each callback to the builder with `.callback(…)`")),
    perhaps(none(&[Lightning], "prepare_data", DATA)),
    perhaps(none(&[Lightning], "train_dataloader", DATA)),
    perhaps(none(&[Lightning], "val_dataloader", DATA)),
    perhaps(none(&[Lightning], "test_dataloader", DATA)),
    perhaps(none(&[Lightning], "predict_dataloader", DATA)),
    perhaps(none(&[Lightning], "transfer_batch_to_device", DATA)),
];
