//! The learner: model, data, loss function, optimizer, metrics and callbacks, and how they train together.
//!
//! `fit` has the loop, on one screen; `step` has what it does with a training batch; `pass` has the passes over data; `run` keeps the
//! promise that what begins, ends; `evaluate` and `predict` have the runs that do not train; `replace` changes parts between two
//! trainings; `state` has what the learner remembers from one training to the next.

mod assert_resumes;
mod autocast;
mod batch;
mod builder;
mod bundle;
mod bundle_error;
mod checkpoint;
mod device;
mod evaluate;
mod fit;
mod interpretation;
#[cfg(test)]
mod left_out;
mod listing;
mod lr_find;
mod one_cycle;
mod pass;
mod predict;
mod prediction;
mod predictor;
mod replace;
mod resume;
mod run;
mod snapshot;
mod state;
mod step;
mod summary;
mod tally;
#[cfg(test)]
mod waiting;
mod weights;

use std::{any::Any, cell::Ref};

pub use assert_resumes::assert_resumes;
pub use builder::LearnerBuilder;
pub use bundle::ItemForm;
pub use bundle_error::BundleError;
pub use checkpoint::Checkpoints;
pub use device::default_device;
pub use evaluate::Validation;
pub use interpretation::{Confused, InterpretError, Interpretation, Interpreted};
pub use listing::TrainingLoop;
pub use pass::On;
pub use prediction::{Prediction, PredictionError, Predictions};
pub use predictor::Predictor;
pub use state::LearnerState;
pub use step::{Step, TrainStep};
pub use summary::Summary;

use resume::Points;

use crate::{
    callback::{Callback, Callbacks},
    callbacks::mixing::MixUp,
    data::Data,
    loss::LossFunc,
    metrics::MetricFunc,
    model::{AnyModel, Model, Params, Vars},
    optim::{Lr, Optimizer},
    training::{BuildError, Error, Interrupt, Position, Report, State, Values},
};

/// Trains a model on data, and runs callbacks at named moments.
///
/// ```no_run
/// use mixup::prelude::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = ImageData::from_folder("mnist_sample")?.batch_size(64).build()?;
/// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[3, 16, 16, 2]))
///     .loss(CrossEntropy::default())
///     .metric(accuracy)
///     .callback(MixUp::default())
///     .seed(42)
///     .build()?;
/// let report = learn.fit(8, 3e-3)?;
/// # let _ = report;
/// # Ok(())
/// # }
/// ```
pub struct Learner {
    state: State,
    callbacks: Callbacks,
    metrics: Vec<(String, MetricFunc)>,
    step: Box<dyn TrainStep>,
    points: Points,
    /// Whether the model and the loss run in mixed precision.
    autocast: bool,
}

impl Learner {
    /// Starts building a learner from its data and a closure that builds the model. The closure must create the parameters under
    /// the variables that it gets.
    pub fn builder<M: Model>(data: Data, model: impl FnOnce(&Vars<'_>) -> M + 'static) -> LearnerBuilder<M> {
        LearnerBuilder::new(data, Box::new(model))
    }

    /// Trains for `epochs` at the learning rate `lr`, and prints a row for each epoch unless the learner is quiet. `lr` may
    /// also be a rate for each group of parameters: `Lr::spread(1e-5, 1e-3)`, `Lr::each([1e-4, 1e-3])`.
    ///
    /// Each training counts its epochs and iterations from 0. The optimizer's moments continue from the last training, as in
    /// fastai v1. So do the draws: two trainings of two epochs draw what one of four epochs draws.
    ///
    /// # Errors
    /// The error that ended the training: of a callback, the model, the loss or the data, or an interrupt. By then
    /// `on_train_end` has run for every callback, the original loss function is back, and the learner can train again.
    /// A [`StopTraining`](crate::callback::StopTraining) is not an error: the outcome in the report says so.
    pub fn fit(&mut self, epochs: usize, lr: impl Into<Lr>) -> Result<Report, Error> {
        self.set_lr(&lr.into())?;
        self.with_points(|learner| {
            learner.begin_checkpoints()?;
            learner.run(Some(epochs), Self::train)
        })?;
        Ok(self.report())
    }

    /// Freezes a group of parameters: training leaves it alone until it is unfrozen. The optimizer keeps what it remembers of it.
    ///
    /// The running statistics of batch norms are not parameters and still change in training. The first call that freezes a batch
    /// norm warns of this through `tracing`.
    ///
    /// # Errors
    /// A [`GroupError`](crate::model::GroupError) if there is no such group, or if libtorch can't freeze a tensor.
    pub fn freeze(&mut self, group: &str) -> Result<(), Error> {
        Ok(self.state.params.freeze(group).map_err(BuildError::from)?)
    }

    /// Freezes all groups before `group`, and unfreezes `group` and those after it.
    ///
    /// # Errors
    /// A [`GroupError`](crate::model::GroupError) if there is no such group or no group before it, or if libtorch can't freeze a
    /// tensor.
    pub fn freeze_to(&mut self, group: &str) -> Result<(), Error> {
        Ok(self.state.params.freeze_to(group).map_err(BuildError::from)?)
    }

    /// Unfreezes all parameters, including those that the model's own code has frozen.
    pub fn unfreeze(&mut self) {
        self.state.params.unfreeze();
    }

    /// The report of the last training, even if that ended with an error.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            metric_names: self.state.row_metrics.clone(),
            value_names: self.state.value_names.clone(),
            epochs: self.state.rows.clone(),
            outcome: self.state.ended.clone(),
        }
    }

    /// Adds a callback, after all callbacks of the same order. Whether it fits the others is checked when the next run begins.
    pub fn callback(&mut self, callback: impl Callback) -> &mut Self {
        self.callbacks.add(callback, None);
        self.list();
        self
    }

    /// Adds a callback under a given name, like the builder's [`callback_named`](LearnerBuilder::callback_named).
    pub fn callback_named(&mut self, name: impl Into<String>, callback: impl Callback) -> &mut Self {
        self.callbacks.add(callback, Some(name.into()));
        self.list();
        self
    }

    /// Adds [`MixUp`] with its defaults: alpha 0.4, `stack_x` false, `stack_y` true.
    pub fn mixup(&mut self) -> &mut Self {
        self.callback(MixUp::default())
    }

    /// Returns the first callback of a type.
    #[must_use]
    pub fn get<C: Callback>(&self) -> Option<Ref<'_, C>> {
        self.callbacks.get()
    }

    /// Returns the callback of a type and name.
    #[must_use]
    pub fn get_named<C: Callback>(&self, name: &str) -> Option<Ref<'_, C>> {
        self.callbacks.get_named(name)
    }

    /// Returns the first callback of a type, mutably.
    pub fn get_mut<C: Callback>(&mut self) -> Option<&mut C> {
        self.callbacks.get_mut()
    }

    /// Removes and returns the first callback of a type.
    pub fn remove<C: Callback>(&mut self) -> Option<Box<C>> {
        let removed = self.callbacks.remove();
        self.list();
        removed
    }

    /// Puts the callbacks in order for listings. An error in their order is reported by the next run.
    fn list(&mut self) {
        let _ = self.prepare();
    }

    /// Whether the current run is to end: by a handle, or by a signal if the learner handles these.
    fn is_interrupted(&self) -> bool {
        self.state.interrupt.ends()
    }

    /// Returns a handle that ends the current run from another thread, as Ctrl-C does.
    #[must_use]
    pub fn interrupt_handle(&self) -> Interrupt {
        self.state.interrupt.clone()
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &dyn AnyModel {
        &*self.state.model
    }

    /// The model as its own type; `None` if it is of another type.
    #[must_use]
    pub fn model_as<M: Model>(&self) -> Option<&M> {
        (&*self.state.model as &dyn Any).downcast_ref()
    }

    /// The training step as its own type; `None` if it is of another type, as the learner's own is.
    #[must_use]
    pub fn step_as<S: TrainStep>(&self) -> Option<&S> {
        (&*self.step as &dyn Any).downcast_ref()
    }

    /// The values of the last run: metrics, the training's own numbers, and what callbacks published.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.state.values
    }

    /// The model's parameters, by name.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.state.params
    }

    /// The model's parameters, mutably, for loading or converting.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.state.params
    }

    /// The optimizer.
    #[must_use]
    pub fn opt(&self) -> &dyn Optimizer {
        &*self.state.opt
    }

    /// The optimizer, mutably, for changing its settings.
    pub fn opt_mut(&mut self) -> &mut dyn Optimizer {
        &mut *self.state.opt
    }

    /// The loss function.
    #[must_use]
    pub fn loss_func(&self) -> &LossFunc {
        &self.state.loss_func
    }

    /// The learner's position in its life: between two runs, the number of epochs that it has begun.
    #[must_use]
    pub fn position(&self) -> Position {
        self.state.at()
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.state.data
    }

    /// Returns the data, for another learner.
    #[must_use]
    pub fn into_data(self) -> Data {
        self.state.data
    }
}
