//! Optimizers, behind a small trait of our own: `tch`'s optimizers do not expose their state, which must be saved and
//! restored exactly here.

mod adam;
mod by_group;
mod fused;
mod hyper;
mod lr;
mod rms_prop;
mod schedule;
mod sgd;
mod state;

use std::any::Any;

pub use adam::{Adam, AdamOf, AdamW};
pub use by_group::Optimizers;
pub use hyper::{Hyper, Hypers, SettingError};
use hyper::{fraction, fraction_up_to_one, setting};
pub use lr::{Lr, LrError};
pub use rms_prop::RmsProp;
pub use schedule::{Length, Schedule, ScheduleError, Span};
pub use sgd::Sgd;
pub use state::OptimizerError;
use state::Slots;
use tch::TchError;

use crate::{
    model::{GroupError, Params},
    names::short_type_name,
    state::Stateful,
};

/// Changes the parameters by their gradients.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an optimizer of `mixup`",
    label = "write one of `mixup::optim`, such as `Sgd` or `AdamW`: those of `tch::nn` cannot be saved"
)]
pub trait Optimizer: Any + Send {
    /// Takes one step. It leaves alone parameters that are frozen or have no gradient, and does not drop the gradients.
    ///
    /// [`Param::gradient`](crate::model::Param::gradient) tells which parameters a step changes, and [`Hypers::of`] with which settings.
    ///
    /// If libtorch rejects something in a function of `tch` that panics, a learner turns this into an error of the training too.
    ///
    /// # Errors
    /// Any error from libtorch.
    fn step(&mut self, params: &Params) -> Result<(), TchError>;

    /// The learning rate, momentum and weight decay of each group of parameters.
    fn hypers(&self) -> &Hypers;

    /// The settings of each group, mutably, for the following steps.
    fn hypers_mut(&mut self) -> &mut Hypers;

    /// The settings of a group. A learner without groups has one, `default`.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], which lists the groups.
    fn hyper(&self, group: &str) -> Result<&Hyper, GroupError> {
        self.hypers().get(group)
    }

    /// The settings of a group, mutably, for the following steps.
    ///
    /// # Errors
    /// [`GroupError::Unknown`], which lists the groups.
    fn hyper_mut(&mut self, group: &str) -> Result<&mut Hyper, GroupError> {
        self.hypers_mut().get_mut(group)
    }

    /// The learning rate. If there are several groups, that of the last one.
    fn lr(&self) -> f64 {
        self.hypers().last().lr
    }

    /// Sets the learning rate of all groups for the following steps.
    fn set_lr(&mut self, lr: f64) {
        self.hypers_mut().set_lr(lr);
    }

    /// Returns `Some(self)` if the optimizer is [`Stateful`], as all optimizers here are: the learner then saves and loads what it remembers of
    /// its steps. An optimizer that has only [`Hypers`] returns these. Defaults to `None`.
    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }

    /// The type's name, for messages.
    fn type_name(&self) -> String {
        short_type_name::<Self>()
    }

    /// Checks the settings. The learner calls this when it is built and before each training.
    ///
    /// # Errors
    /// The first setting that is out of range.
    fn check(&self) -> Result<(), SettingError>;

    /// The name and all settings except the learning rate, for summaries.
    fn describe(&self) -> String;
}
