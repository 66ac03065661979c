//! Optimizers, behind a small trait of our own: `tch`'s optimizers do not expose their state, which must be saved and
//! restored exactly here.

mod adam;
mod rms_prop;
mod sgd;
mod state;

use std::any::Any;

pub use adam::{Adam, AdamOf, AdamW};
pub use rms_prop::RmsProp;
pub use sgd::Sgd;
use state::Slots;
pub use state::{OptimizerError, OptimizerState};
use tch::TchError;

use crate::{model::Params, names::short_type_name};

/// The settings that every optimizer has and that schedules change from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyper {
    /// The learning rate.
    pub lr: f64,
    /// The momentum; β₁ for `Adam` and `AdamW`, 0 if there is none.
    pub momentum: f64,
    /// The weight decay.
    pub weight_decay: f64,
}

/// An optimizer's setting is out of range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the optimizer's {name} is {value}: it must be {wanted}")]
pub struct SettingError {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Which values are allowed.
    pub wanted: &'static str,
}

/// Changes the parameters by their gradients.
pub trait Optimizer: Any + Send {
    /// Takes one step. It leaves alone parameters that are frozen or have no gradient, and does not zero the gradients.
    ///
    /// # Errors
    /// Any error from libtorch.
    fn step(&mut self, params: &Params) -> Result<(), TchError>;

    /// The learning rate, momentum and weight decay.
    fn hyper(&self) -> &Hyper;

    /// The learning rate, momentum and weight decay, mutably, for the following steps.
    fn hyper_mut(&mut self) -> &mut Hyper;

    /// All that the optimizer remembers of its steps, for saving. After [`load_state`](Self::load_state) restores it, the
    /// next steps are the same to the bit. The tensors are copies.
    ///
    /// # Errors
    /// Any error from libtorch when it copies a tensor.
    fn state(&self, params: &Params) -> Result<OptimizerState, OptimizerError>;

    /// Continues from a saved state.
    ///
    /// # Errors
    /// If the state is that of another optimizer or of other parameters; the optimizer is then unchanged.
    fn load_state(&mut self, state: &OptimizerState, params: &Params) -> Result<(), OptimizerError>;

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

impl Hyper {
    fn new(weight_decay: f64, momentum: f64) -> Self {
        Self { lr: 1e-3, momentum, weight_decay }
    }

    fn check(&self) -> Result<(), SettingError> {
        not_negative("lr", self.lr)?;
        fraction("momentum", self.momentum)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn numbers(&self) -> [(&'static str, f64); 3] {
        [("lr", self.lr), ("momentum", self.momentum), ("weight_decay", self.weight_decay)]
    }

    fn load(state: &OptimizerState) -> Result<Self, OptimizerError> {
        let number = |key| state.number(key);
        Ok(Self { lr: number("lr")?, momentum: number("momentum")?, weight_decay: number("weight_decay")? })
    }
}

/// Rejects a setting that is out of its range.
fn setting(name: &'static str, value: f64, fits: bool, wanted: &'static str) -> Result<(), SettingError> {
    if value.is_finite() && fits { Ok(()) } else { Err(SettingError { name, value, wanted }) }
}

/// A setting that must be in `[0, 1)`, such as a momentum.
fn fraction(name: &'static str, value: f64) -> Result<(), SettingError> {
    setting(name, value, (0.0..1.0).contains(&value), "at least 0 and below 1")
}

/// A setting that must not be negative, such as a weight decay.
fn not_negative(name: &'static str, value: f64) -> Result<(), SettingError> {
    setting(name, value, value >= 0.0, "a finite number of at least 0")
}
