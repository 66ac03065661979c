//! What can go wrong in a training, with the place and the cause.

use std::{fmt, path::PathBuf};

use tch::TchError;

use super::{Hook, Position, Uses};
use crate::{
    batch::TargetError,
    data::DataError,
    error::{BoxError, brief},
    files::FileError,
    model::{GroupError, WeightsError},
    names::listed,
    optim::{LrError, SettingError},
    state::StateError,
};

/// A place in a training: a callback's hook, and when it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Where {
    /// The callback's name.
    pub callback: String,
    /// The hook.
    pub hook: Hook,
    /// The epoch and the batch.
    pub at: Position,
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback `{}`, hook `{}`, {}", self.callback, self.hook, self.at)
    }
}

/// A number that could not be read from the device: a loss, a metric, a value that a callback has published.
#[derive(thiserror::Error)]
#[error("`{name}` can't be read: {}", brief(source))]
pub struct ReadError {
    /// The number's name.
    pub name: String,
    /// Any error from libtorch.
    #[source]
    pub source: TchError,
}

crate::error::debug_with_sources!(ReadError);

impl ReadError {
    pub(crate) fn new(name: impl Into<String>, source: TchError) -> Self {
        Self { name: name.into(), source }
    }
}

/// Why a learner could not be built, or a training did not finish.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A hook returned an error.
    #[error("{at}: {}", brief(source))]
    Callback {
        /// Which callback, hook, epoch and batch.
        at: Box<Where>,
        /// What the hook returned.
        source: BoxError,
    },
    /// A number that a hook asked for could not be read from the device.
    #[error("{at}: {source}")]
    Read {
        /// Which callback, hook, epoch and batch.
        at: Box<Where>,
        /// Which number, and why.
        source: Box<ReadError>,
    },
    /// The model returned an error.
    #[error("the model, {at}, with {input}: {}", brief(source))]
    Model {
        /// Which batch.
        at: Position,
        /// The input's shapes and kinds.
        input: String,
        /// The error of the model.
        source: BoxError,
    },
    /// The loss function returned an error.
    #[error("the loss function {loss}, {at}: {}", brief(source))]
    Loss {
        /// The loss function's name.
        loss: String,
        /// Which batch.
        at: Position,
        /// What it returned.
        source: BoxError,
    },
    /// A training could not be saved, or could not go on.
    #[error("the saved training: {source}")]
    Resume {
        /// Why.
        #[source]
        source: StateError,
    },
    /// What a validation has measured could not be written down, or joined with what others have measured.
    #[error("what the validation has measured, {at}: {source}")]
    Tally {
        /// Which epoch.
        at: Position,
        /// Why.
        #[source]
        source: Box<StateError>,
    },
    /// A file could not be read or written.
    #[error("{source}")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// A whole file that is no checkpoint, or one of a newer version.
    #[error("`{}` can't be gone on from: {reason}", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no whole checkpoint in the folder.
    #[error("there is no whole checkpoint in `{}`: begin with `fit`{}", folder.display(), then_skipped(skipped))]
    NoCheckpoint {
        /// The folder.
        folder: PathBuf,
        /// Why those that are there were skipped, the newest first.
        skipped: Vec<String>,
    },
    /// The learner has no folder for checkpoints.
    #[error("this learner has no checkpoints: give the builder `.checkpoints(Checkpoints::in_dir(…))`")]
    NoCheckpoints,
    /// A checkpoint has more finished epochs than were asked for.
    #[error("`{}` has {finished} finished epochs, and {epochs} were asked for: ask for at least {finished}", path.display())]
    NothingLeft {
        /// The checkpoint.
        path: PathBuf,
        /// How many epochs are finished.
        finished: usize,
        /// How many the training was to have in all.
        epochs: usize,
    },
    /// A checkpoint is of a learner that was built otherwise.
    #[error("`{}` is of a training with other {what}: {saved}; here: {now}", path.display())]
    OtherLearner {
        /// The checkpoint.
        path: PathBuf,
        /// What is different: the number of processes, the data, its classes, the model, the optimizer, the loss function or the metrics.
        what: &'static str,
        /// How it was.
        saved: String,
        /// How it is.
        now: String,
    },
    /// A training that went on is not what it would have been without a break:
    /// [`assert_resumes`](crate::learner::assert_resumes).
    #[error("the training that was cut {at}, went on differently: {} are not the same; what remembers this must be part of a state", what.join(", "))]
    NotResumed {
        /// Where the training was cut.
        at: String,
        /// What is different.
        what: Vec<String>,
    },
    /// Two trainings that should be the same are not: [`assert_resumes`](crate::learner::assert_resumes).
    #[error("two trainings without a break differ in {}: `build` must build the same learner each time", what.join(", "))]
    NotRepeated {
        /// What is different.
        what: Vec<String>,
    },
    /// The training step returned an error.
    #[error("the step `{step}`, {at}: {}", brief(source))]
    Step {
        /// The step's type.
        step: String,
        /// Which batch.
        at: Position,
        /// What it returned.
        source: BoxError,
    },
    /// The backward pass can't begin, because the loss is not one number.
    #[error(
        "the loss, {at}, has the shape {shape:?}: the backward pass begins with one number; reduce it with its mean"
    )]
    LossShape {
        /// Which batch.
        at: Position,
        /// The shape of the loss.
        shape: Vec<i64>,
    },
    /// All parameters are frozen.
    #[error("nothing is left to train, {at}: all parameters are frozen; unfreeze some, or only validate")]
    NothingToTrain {
        /// Which batch.
        at: Position,
    },
    /// A metric returned an error.
    #[error("the metric `{metric}`, {at}: {}", brief(source))]
    Metric {
        /// The metric's name.
        metric: String,
        /// Which batch.
        at: Position,
        /// What it returned.
        source: BoxError,
    },
    /// The data could not be loaded.
    #[error("the data, {at}: {}", brief(source))]
    Data {
        /// Which batch.
        at: Position,
        /// What the data set returned.
        #[source]
        source: Box<DataError>,
    },
    /// The pictures of the data can't be made or drawn.
    #[error("the pictures: {source}")]
    Pictures {
        /// Why.
        #[source]
        source: Box<DataError>,
    },
    /// The weights of a pretrained trunk can't be loaded.
    #[error("{source}")]
    Weights {
        /// Why.
        #[source]
        source: Box<WeightsError>,
    },
    /// A file has not all weights of a pretrained trunk.
    #[error(
        "{} lacks {} weights of the trunk, `{}` among them: it must have torchvision's or timm's names, as the `state_dict` of the same network has", file.display(), missing.len(), missing.first().map_or("", String::as_str)
    )]
    Trunk {
        /// The file.
        file: std::path::PathBuf,
        /// The names that it lacks.
        missing: Vec<String>,
    },
    /// libtorch returned an error in a step of the loop: the backward pass, the optimizer, a copy to the device.
    #[error("{what}, {at}: {}", brief(source))]
    Torch {
        /// The step.
        what: &'static str,
        /// Which batch.
        at: Position,
        /// libtorch's error.
        #[source]
        source: Box<TchError>,
    },
    /// Ctrl-C, SIGTERM or an [`Interrupt`](crate::training::Interrupt) ended the run. The learner can be used as after any other end.
    #[error("interrupted, {at}")]
    Interrupted {
        /// When.
        at: Position,
    },
    /// A setting or the callbacks of the learner are wrong, which was found when a run began.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// Something needs validation data, and the learner has none.
    #[error("there is no validation data to {what}; give the data a validation part, as `valid(…)` does")]
    NoValidation {
        /// What needs the validation data.
        what: &'static str,
    },
    /// Something needs test data, and the learner has none.
    #[error("there is no test data to {what}; give the data a test part, as `test(…)` does")]
    NoTest {
        /// What needs the test data.
        what: &'static str,
    },
    /// A validation needs targets, and the data set has none.
    #[error("the data has no targets to validate on: it can only be predicted, as with `predictions_on(…)`")]
    NoTargets,
    /// A callback changes batches in validation and has no hook for predictions, which therefore would not be what the validation
    /// measures.
    #[error("{}", unpredicted(callback, method, *hook, changes, *counterpart))]
    Unpredicted {
        /// The callback.
        callback: String,
        /// Its method.
        method: &'static str,
        /// The hook in which it changes the value.
        hook: Hook,
        /// The value: `last_input` or `last_output`.
        changes: &'static str,
        /// The hook of predictions in which it would have to change it.
        counterpart: Hook,
    },
    /// A callback stopped a validation, which therefore has no result.
    #[error("the {what} no result: the run was {outcome}")]
    Stopped {
        /// What was stopped, as the subject of a sentence: "validation has".
        what: &'static str,
        /// How the run ended.
        outcome: String,
    },
    /// Predictions were asked for as another type than the model's output.
    #[error("the model's output is a `{got}`, not a `{wanted}`: ask for `{method}::<{got}>(…)`")]
    OutputType {
        /// The method that returns outputs of any type.
        method: &'static str,
        /// The type that was asked for.
        wanted: String,
        /// The type of the model's output.
        got: String,
    },
    /// The predictions of the batches could not be joined.
    #[error("joining the predictions: {}", brief(source))]
    Join {
        /// The error.
        #[source]
        source: TargetError,
    },
    /// There was more than one error: in the training, and then at its end.
    #[error("{first}{}", then(rest))]
    Several {
        /// What ended the training.
        #[source]
        first: Box<Error>,
        /// The errors of `on_train_end` after that, the last callback first.
        rest: Vec<Error>,
    },
}

crate::error::debug_with_sources!(Error);

/// Why a learner could not be built.
#[derive(thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no such process.
    #[error("there is no process {rank} of {size}: processes are counted from 0, and there is at least one")]
    World {
        /// The number that was given.
        rank: usize,
        /// How many there are.
        size: usize,
    },
    /// The CUDA device does not exist.
    #[error("the device {wanted} does not exist: libtorch sees {found} CUDA devices; use `mixup::default_device()`")]
    Device {
        /// The device that was asked for.
        wanted: String,
        /// How many CUDA devices libtorch sees.
        found: i64,
    },
    /// Mixed precision was asked for on a device for which `tch` has none.
    #[error(
        "`tch` has mixed precision for CUDA devices only, and the learner is on {device}: leave out `.autocast(true)`, or train on \
         `mixup::default_device()`"
    )]
    Autocast {
        /// The learner's device.
        device: String,
    },
    /// A learning rate is out of range, or the rates do not fit the groups.
    #[error(transparent)]
    LearningRate(#[from] LrError),
    /// A group of parameters or a rule is wrong, or there is no such group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A setting of the optimizer is out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The order of callbacks is a cycle: each must run before the next, and the last before the first.
    #[error(
        "the callbacks{} form a cycle: {}; drop a `before`, an `after`, or a value that one of them reads",
        hook.map_or_else(String::new, |hook| format!(" of `{hook}`")),
        cycle_text(cycle)
    )]
    OrderCycle {
        /// The names of the callbacks. Each must run before the next, and the last before the first.
        cycle: Vec<String>,
        /// The hook, if the cycle is in its order only, because a value is read there.
        hook: Option<Hook>,
    },
    /// A callback asks for another one that the learner does not have.
    #[error(
        "the callback `{by}` asks for `{wanted}`{} in `{hook}`, and the learner has none: add one with `.callback(…)`, or \
         ask for an `Option` of it",
        named.as_ref().map_or_else(String::new, |name| format!(" named `{name}`"))
    )]
    MissingCallback {
        /// Who asks.
        by: String,
        /// In which hook.
        hook: Hook,
        /// The type of the callback that is missing.
        wanted: String,
        /// The name that it must have, if one was asked for.
        named: Option<String>,
    },
    /// In a strict learner, two callbacks change the same value without an order between them.
    #[error("{pair}: add one of them, or leave `strict()` out")]
    Unordered {
        /// The callbacks, the value and the hook, in words.
        pair: String,
    },
    /// Two callbacks were added under one name.
    #[error("two callbacks are named `{name}`: give one of them another name with `callback_named`")]
    CallbackName {
        /// The name.
        name: String,
    },
    /// A callback implements a hook that it does not declare.
    #[error(
        "the callback `{by}` implements `{hook}` and does not declare it: add `Handler::new(Hook::…)` for it to `handlers()`"
    )]
    Undeclared {
        /// The callback.
        by: String,
        /// The hook.
        hook: Hook,
    },
    /// A callback draws from its generator and does not declare it.
    #[error(
        "the callback `{by}` draws from `rng` in `{hook}` and does not declare it: add `.names(&[\"rng\"])` to its handler"
    )]
    UndeclaredRng {
        /// The callback.
        by: String,
        /// The hook.
        hook: Hook,
    },
    /// A callback reads a value that nobody publishes.
    #[error(
        "the callback `{by}` reads `{name}` in `{hook}`, and nobody publishes it: the values are {}; add it with `.metric(…)`, or publish it in a \
         callback with `{name}: &mut Value`",
        listed(known)
    )]
    NoValue {
        /// Who reads it.
        by: String,
        /// In which hook.
        hook: Hook,
        /// The name.
        name: String,
        /// The names of all values.
        known: Vec<String>,
    },
    /// A callback asks for several values without saying which.
    #[error(
        "the callback `{by}` asks for several values as `{param}` in `{hook}` and does not say which: write `#[names = …]` on the parameter, \
         or call it `values` to have all"
    )]
    NoNames {
        /// Who asks.
        by: String,
        /// In which hook.
        hook: Hook,
        /// The parameter.
        param: String,
    },
    /// Two callbacks publish a value under one name.
    #[error("`{first}` and `{second}` both publish `{name}`: publish one of them under another name")]
    ValueTwice {
        /// The name.
        name: String,
        /// One of the two callbacks.
        first: String,
        /// The other.
        second: String,
    },
    /// A callback publishes a value under a name that exists already.
    #[error("`{by}` publishes `{name}`, which is {what} already: publish it under another name")]
    ValueTaken {
        /// The name.
        name: String,
        /// The callback.
        by: String,
        /// What already has the name.
        what: &'static str,
    },
    /// A callback publishes a value in `on_train_end`, where nobody can read it any more.
    #[error(
        "`{by}` publishes `{name}` in `on_train_end`, where nobody can read it any more: publish it in an earlier hook"
    )]
    PublishedTooLate {
        /// The name.
        name: String,
        /// The callback.
        by: String,
    },
    /// A callback asks for the model or the optimizer as a type that it is not.
    #[error("the callback `{by}` asks for the {what} as `{wanted}` in `{hook}`, and this learner's is `{got}`")]
    OtherType {
        /// `model`, `optimizer` or `output`.
        what: &'static str,
        /// The callback.
        by: String,
        /// The hook.
        hook: Hook,
        /// The type that it asks for.
        wanted: String,
        /// The type that the learner has.
        got: String,
    },
    /// A callback changes something, or asks for something, that the training step does not use.
    #[error(
        "the callback `{by}` {} `{what}` in `{hook}`, and the step `{step}` does not use it: leave the callback out, restrict the method to \
         `valid`, or have the step use it (`Uses::{uses:?}`)",
        if *changes { "changes" } else { "asks for" }
    )]
    StepIgnores {
        /// The callback.
        by: String,
        /// The hook.
        hook: Hook,
        /// What the step does not use, by its name in the table of hooks.
        what: &'static str,
        /// The same, as the step would declare it.
        uses: Uses,
        /// The type of the step.
        step: String,
        /// Whether the callback changes it; otherwise the callback only asks for it.
        changes: bool,
    },
    /// Two optimizers were given for one group.
    #[error("two optimizers were given for `{group}`: keep one `optimizer_for(\"{group}\", …)`")]
    OptimizerTwice {
        /// The group.
        group: String,
    },
    /// There is no optimizer for this group.
    #[error("there is no optimizer for `{group}` to replace: the optimizers are for {}", listed(optimizers))]
    NoOptimizer {
        /// The group.
        group: String,
        /// The groups under which optimizers were added.
        optimizers: Vec<String>,
    },
    /// The learner was given a loss function for another output than the model's.
    #[error("the loss function `{loss}` takes a `{takes}`, and the model's output is a `{output}`")]
    OtherLoss {
        /// The loss function.
        loss: String,
        /// The type of the output that it takes.
        takes: String,
        /// The type of the model's output.
        output: String,
    },
    /// A model whose output is no tensor, without a loss function.
    #[error(
        "the model's output is a `{output}`, and cross-entropy takes one tensor: give the learner a loss function with `.loss(…)`"
    )]
    NoLoss {
        /// The type of the output.
        output: String,
    },
    /// The best checkpoint is to be kept by a value that does not exist.
    #[error(
        "the best checkpoint is to be kept by `{name}`, and there is no such value: the values are {}",
        listed(known)
    )]
    NoBest {
        /// The name.
        name: String,
        /// The names of all values.
        known: Vec<String>,
    },
    /// A callback may remember something that a checkpoint would not have.
    #[error(
        "the callback `{name}` may remember something that a checkpoint would not have: give it the option `state`, with the fields that a \
         training needs to go on, as in `#[callback(state(best))]`, or the option `stateless` if it needs none"
    )]
    ForgetfulCallback {
        /// Its name.
        name: String,
    },
    /// The step or the sampler may remember something that a checkpoint would not have.
    #[error(
        "the {what} `{name}` may remember something that a checkpoint would not have: implement `Stateful` for it and return `Some(self)` from \
         its `stateful`, or return true from its `is_stateless` if a training goes on without that"
    )]
    Forgetful {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A metric of the whole set is in the middle of it when a checkpoint of a validation is written, and has no state.
    #[error(
        "the metric `{name}` may remember something that a checkpoint would not have: implement `Stateful` for it and return `Some(self)` from \
         its `stateful`"
    )]
    ForgetfulMetric {
        /// Its name.
        name: String,
    },
    /// Two metrics have the same name.
    #[error("there are two metrics named `{name}`: give one of them another name with `metric_named`")]
    MetricName {
        /// The name.
        name: String,
    },
}

crate::error::debug_with_sources!(BuildError);

/// A cycle in words: "`A` before `B` before `A`".
fn cycle_text(cycle: &[String]) -> String {
    let names: Vec<_> = cycle.iter().chain(cycle.first()).map(|name| format!("`{name}`")).collect();
    names.join(" before ")
}

/// What a callback does in validation and would leave out in predictions, and how to say what is meant.
fn unpredicted(callback: &str, method: &str, hook: Hook, changes: &str, counterpart: Hook) -> String {
    let [moment, other] = [hook, counterpart].map(|hook| hook.name().trim_start_matches("on_"));
    let named = if method == hook.name() { String::new() } else { format!("::{method}") };
    format!(
        "`{callback}{named}` may change `{changes}` in `{hook}`, also in validation, but `{callback}` has no `{counterpart}`, so predictions would \
         be made without it: add `{counterpart}`, as with `#[on({moment}, {other})]` on the method, or restrict the method to training \
         with `#[on({moment}, train)]`"
    )
}

/// `; then …` for each further error.
fn then(errors: &[Error]) -> String {
    errors.iter().flat_map(|error| ["; then ".to_owned(), error.to_string()]).collect()
}

/// `; skipped: …` for each file that was skipped.
fn then_skipped(reasons: &[String]) -> String {
    reasons.iter().flat_map(|reason| ["; skipped: ", reason]).collect()
}
