//! The learner: model, data, loss function, optimizer, metrics and callbacks, and the training that they make together.
//!
//! `fit` holds the loop, on one screen; `run` the promise that what begins, ends; `evaluate` what is done without training.

mod builder;
mod evaluate;
mod fit;
mod interrupt;
mod listing;
mod run;
#[cfg(test)]
mod waiting;

use std::{any::Any, cell::Ref};

pub use builder::LearnerBuilder;
pub use evaluate::{Predictions, Validation};
pub use interrupt::Interrupt;
pub use listing::{Summary, TrainingLoop};

use crate::{
    callback::{Callback, CallbackStates, Callbacks, StateError},
    callbacks::mixing::MixUp,
    data::Data,
    loss::LossFunc,
    metrics::Metric,
    model::{Model, Params, Vars},
    optim::{Optimizer, OptimizerError, OptimizerState},
    training::{Error, Position, Report, State, Values},
};

/// Trains a model on data, with callbacks at named moments.
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
    metrics: Vec<(String, Box<dyn Metric>)>,
    interrupt: Interrupt,
}

impl Learner {
    /// Begins a learner: its data, and a closure that builds the model and keeps its parameters under the variables
    /// that it is given.
    pub fn builder<M: Model + 'static>(data: Data, model: impl FnOnce(&Vars<'_>) -> M + 'static) -> LearnerBuilder {
        LearnerBuilder::new(data, Box::new(|vars| Box::new(model(vars))))
    }

    /// Trains for `epochs` at the learning rate `lr`, and prints a row for each epoch unless the learner is quiet.
    ///
    /// Each training counts its epochs and iterations from 0; the optimizer's moments go on from the last one, as in
    /// fastai v1. So do the draws: two trainings of two epochs draw what one of four draws.
    ///
    /// # Errors
    /// What ended the training before its time: an error of a callback, the model, the loss, the data, or an interrupt.
    /// Every callback has had its `on_train_end` by then, the loss function is the one from before, and the learner can
    /// train on. A [`StopTraining`](crate::callback::StopTraining) is no error: the report's outcome tells of it.
    pub fn fit(&mut self, epochs: usize, lr: f64) -> Result<Report, Error> {
        self.set_lr(lr)?;
        self.run(Some(epochs), Self::train)?;
        Ok(self.report())
    }

    /// What the last training has come to, also one that ended with an error.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            metric_names: self.state.metric_names.clone(),
            value_names: self.state.value_names.clone(),
            epochs: self.state.rows.clone(),
            outcome: self.state.ended.clone(),
        }
    }

    /// Adds a callback, behind all of its own order. Whether it can run beside the others is looked at when the next run begins.
    pub fn callback(&mut self, callback: impl Callback) -> &mut Self {
        self.callbacks.add(callback, None);
        self.list();
        self
    }

    /// Adds a callback with a name of its own, as the builder's [`callback_named`](LearnerBuilder::callback_named) does.
    pub fn callback_named(&mut self, name: impl Into<String>, callback: impl Callback) -> &mut Self {
        self.callbacks.add(callback, Some(name.into()));
        self.list();
        self
    }

    /// Adds [`MixUp`] with its defaults: alpha 0.4, `stack_x` false, `stack_y` true.
    pub fn mixup(&mut self) -> &mut Self {
        self.callback(MixUp::default())
    }

    /// The first callback of this type.
    #[must_use]
    pub fn get<C: Callback>(&self) -> Option<Ref<'_, C>> {
        self.callbacks.get()
    }

    /// The callback of this type and name.
    #[must_use]
    pub fn get_named<C: Callback>(&self, name: &str) -> Option<Ref<'_, C>> {
        self.callbacks.get_named(name)
    }

    /// The same, to change.
    pub fn get_mut<C: Callback>(&mut self) -> Option<&mut C> {
        self.callbacks.get_mut()
    }

    /// Takes the first callback of this type out.
    pub fn remove<C: Callback>(&mut self) -> Option<Box<C>> {
        let removed = self.callbacks.remove();
        self.list();
        removed
    }

    /// Puts the callbacks in order for listings. What is wrong with them is the error of the next run.
    fn list(&mut self) {
        let _ = self.prepare();
    }

    /// The states of the callbacks that have one (`#[callback(state)]`), by the callbacks' names: for a checkpoint.
    ///
    /// # Errors
    /// [`StateError`]: a state that can't be written down, two callbacks of one name.
    pub fn callback_states(&self) -> Result<CallbackStates, StateError> {
        self.callbacks.save()
    }

    /// Takes up saved states, each in the callback of its name.
    ///
    /// # Errors
    /// [`StateError`]: a state that no callback here takes, or a callback that has a state and finds none; all callbacks are
    /// then as they were.
    pub fn load_callback_states(&mut self, states: &CallbackStates) -> Result<(), StateError> {
        self.callbacks.load(states)
    }

    /// A handle that ends the run in progress from another thread, as Ctrl-C does.
    #[must_use]
    pub fn interrupt_handle(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &dyn Model {
        &*self.state.model
    }

    /// The model as the type that it is; `None` if it is of another type.
    #[must_use]
    pub fn model_as<M: Model>(&self) -> Option<&M> {
        (&*self.state.model as &dyn Any).downcast_ref()
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

    /// The same, to freeze, load or convert.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.state.params
    }

    /// The optimizer.
    #[must_use]
    pub fn opt(&self) -> &dyn Optimizer {
        &*self.state.opt
    }

    /// The same, to change its settings.
    pub fn opt_mut(&mut self) -> &mut dyn Optimizer {
        &mut *self.state.opt
    }

    /// The optimizer's memory, to be saved.
    ///
    /// # Errors
    /// What libtorch says when a tensor can't be copied.
    pub fn opt_state(&self) -> Result<OptimizerState, OptimizerError> {
        self.state.opt.state(&self.state.params)
    }

    /// Takes up a saved memory: the next steps are the same to the bit as they would have been.
    ///
    /// # Errors
    /// A state of another optimizer or for other parameters; the optimizer is then as it was.
    pub fn load_opt_state(&mut self, state: &OptimizerState) -> Result<(), OptimizerError> {
        self.state.opt.load_state(state, &self.state.params)
    }

    /// The loss function.
    #[must_use]
    pub fn loss_func(&self) -> &LossFunc {
        &self.state.loss_func
    }

    /// Where the learner stands in its life: between two runs, how many epochs it has begun.
    #[must_use]
    pub fn position(&self) -> Position {
        self.state.at()
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.state.data
    }

    /// Gives the data back, for another learner.
    #[must_use]
    pub fn into_data(self) -> Data {
        self.state.data
    }
}
