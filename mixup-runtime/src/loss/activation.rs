//! Activations by name, so that a file can say which one a model's outputs need.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// What turns a model's outputs into predictions, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// The outputs are the predictions.
    Identity,
    /// Softmax over the classes, the second dimension: cross-entropy.
    Softmax,
    /// The exponential: negative log-likelihood, whose outputs are logarithms.
    Exp,
    /// The sigmoid: binary cross-entropy.
    Sigmoid,
}

impl Activation {
    /// Returns the predictions for outputs `[n, …]`.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn of(self, output: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::Identity => Ok(output.shallow_clone()),
            Self::Softmax => output.f_softmax(1, output.kind()),
            Self::Exp => output.f_exp(),
            Self::Sigmoid => output.f_sigmoid(),
        }
    }
}
