//! Optimizers, behind a small trait of our own: `tch`'s do not give their state away, and ours must be saved and restored
//! exactly.

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

/// The settings that every optimizer has, and that schedules change from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyper {
    /// The learning rate.
    pub lr: f64,
    /// The momentum: β₁ for the Adams; 0 where there is none.
    pub momentum: f64,
    /// The weight decay.
    pub weight_decay: f64,
}

/// An optimizer's setting that can't be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the optimizer's {name} is {value}: it must be {wanted}")]
pub struct SettingError {
    /// The setting's name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// What it may be.
    pub wanted: &'static str,
}

/// Changes the parameters by their gradients.
pub trait Optimizer: Any + Send {
    /// One step. Parameters that are frozen or without a gradient are left alone; gradients are not zeroed here.
    ///
    /// # Errors
    /// What libtorch says.
    fn step(&mut self, params: &Params) -> Result<(), TchError>;

    /// Learning rate, momentum and weight decay.
    fn hyper(&self) -> &Hyper;

    /// The same, to change for the steps to come.
    fn hyper_mut(&mut self) -> &mut Hyper;

    /// All that the steps so far have left behind, to be saved: restored with [`load_state`](Self::load_state), the next
    /// steps are the same to the bit. The tensors are copies.
    ///
    /// # Errors
    /// What libtorch says when a tensor can't be copied.
    fn state(&self, params: &Params) -> Result<OptimizerState, OptimizerError>;

    /// Takes up where a saved state left off.
    ///
    /// # Errors
    /// A state of another optimizer, or for other parameters; the optimizer is then as it was.
    fn load_state(&mut self, state: &OptimizerState, params: &Params) -> Result<(), OptimizerError>;

    /// The type's name, for messages.
    fn type_name(&self) -> String {
        short_type_name::<Self>()
    }

    /// What is wrong with the settings, if anything: asked when the learner is built and before each training.
    ///
    /// # Errors
    /// The first setting that can't be.
    fn check(&self) -> Result<(), SettingError>;

    /// The name and the settings but for the learning rate, for summaries.
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

/// Refuses a setting outside of its range.
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
