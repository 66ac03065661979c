//! Validations outside of a training.
//!
//! They run the hooks of a validation and of its batches, with `train` false and `epochs` 0. Since nothing is trained, `on_train_begin`,
//! `on_train_end` and the hooks of epochs do not run.

use std::fmt;

use super::{
    Learner, On,
    fit::{Exit, ask},
    pass::Pass,
};
use crate::{
    data::Part,
    training::{Error, Hook},
};

/// The result of a validation.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    /// The loss, averaged over the items.
    pub loss: f64,
    /// Each metric's name and its average over the items.
    pub metrics: Vec<(String, f64)>,
}

/// `valid_loss 0.1234, accuracy 0.9876`.
impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "valid_loss {:.6}", self.loss)?;
        self.metrics.iter().try_for_each(|(name, value)| write!(f, ", {name} {value:.6}"))
    }
}

impl Learner {
    /// Computes the loss and the metrics on the validation data.
    ///
    /// Callbacks run in `on_validate_begin`, in the hooks of validation batches, and in `on_validate_end`.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and if there is no validation data.
    pub fn validate(&mut self) -> Result<Validation, Error> {
        self.validate_on(Part::Valid)
    }

    /// Computes the loss and the metrics on a part of the data, or on the batches of a loader: `learn.validate_on(Part::Test)`,
    /// `learn.validate_on(&loader)`.
    ///
    /// To callbacks this is a validation like any other.
    ///
    /// # Errors
    /// As for [`validate`](Self::validate), and if the data has no such part, no targets, or no length, as a stream.
    pub fn validate_on<'a>(&mut self, on: impl Into<On<'a>>) -> Result<Validation, Error> {
        const WHAT: &str = "validate on";
        let on = on.into();
        if !on.loader(&self.state.data, WHAT)?.labelled() {
            return Err(Error::NoTargets);
        }
        let _rest = on.rest_at_end();
        let done = self.run(None, |learner| {
            learner.callbacks.open(Hook::ValidateEndAlways);
            ask!(learner.on_validate_begin);
            learner.pass(Pass::Over(on))?;
            let validation = learner.validation_of_run()?;
            ask!(learner.on_validate_end);
            learner.close()?;
            Ok(validation)
        })?;
        done.ok_or_else(|| Error::Stopped { what: "validation has", outcome: self.state.outcome.to_string() })
    }

    /// Reads what the pass has measured.
    fn validation_of_run(&self) -> Result<Validation, Exit> {
        let measured = self.state.internal.measured.as_ref();
        let read =
            measured.map_or(Ok((None, Vec::new())), |measured| Ok((measured.loss.lock().mean()?, measured.means()?)));
        let (loss, metrics) = read.map_err(|e| self.torch("reading the validation's values", e))?;
        let metrics = self.state.metric_names.iter().cloned().zip(metrics).collect();
        Ok(Validation { loss: loss.unwrap_or(f64::NAN), metrics })
    }
}
