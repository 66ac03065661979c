//! Activations for losses that are closures: what turns the model's output into predictions.

use super::Activation;
use crate::{
    batch::{Output, shallow_clone},
    error::BoxError,
};

/// What turns the model's output into predictions: [`AsIs`], or a closure from an output to an output, or to a result with any
/// error.
pub trait Activate<O: Output>: Send + 'static {
    /// Returns the predictions.
    ///
    /// # Errors
    /// The error of the closure.
    fn activate(&self, output: &O) -> Result<O, BoxError>;

    /// Its name, if it has one, for [`Loss::known_activation`](super::Loss::known_activation).
    fn known(&self) -> Option<Activation> {
        None
    }
}

/// No activation: predictions are the output as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsIs;

impl<O: Output> Activate<O> for AsIs {
    fn activate(&self, output: &O) -> Result<O, BoxError> {
        Ok(shallow_clone(output)?)
    }

    fn known(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }
}

impl<F, O, S> Activate<O> for F
where
    F: Fn(&O) -> S + Send + 'static,
    O: Output,
    S: IntoActivated<O>,
{
    fn activate(&self, output: &O) -> Result<O, BoxError> {
        self(output).into_activated()
    }
}

/// What the closure of an activation may return: an output of the model's type, or a result with any error.
#[diagnostic::on_unimplemented(
    message = "an activation of a model whose output is `{O}` can't return `{Self}`",
    label = "return the whole output, `{O}`, or a `Result` with it"
)]
pub trait IntoActivated<O> {
    /// Converts it to what [`Loss::activation`](super::Loss::activation) returns.
    ///
    /// # Errors
    /// The error of the closure.
    fn into_activated(self) -> Result<O, BoxError>;
}

impl<O: Output> IntoActivated<O> for O {
    fn into_activated(self) -> Result<O, BoxError> {
        Ok(self)
    }
}

impl<O: Output, E: Into<BoxError>> IntoActivated<O> for Result<O, E> {
    fn into_activated(self) -> Result<O, BoxError> {
        self.map_err(Into::into)
    }
}
