//! What can go wrong with a bundle, and with predictions from it.

use std::path::PathBuf;

use tch::TchError;

use crate::{
    error::{BoxError, brief},
    files::FileError,
    model::{GroupError, WeightsError},
    state::StateError,
    training::{Error, Hook},
};

/// Why a bundle could not be written or loaded, or could not predict.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file can't be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The weights in the file are not those of the model.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// What the model remembers can't be saved or loaded.
    #[error("the state of the model: {0}")]
    State(#[from] StateError),
    /// A hook of predictions failed or ended the run.
    #[error(transparent)]
    Run(Box<Error>),
    /// A callback changes the batches of predictions, which a bundle can't do.
    #[error(
        "the callback `{callback}` may change `{changes}` in `{hook}`, and predictions from a bundle are made without callbacks: do it in the \
         model, or in the data"
    )]
    Callback {
        /// The callback.
        callback: String,
        /// The hook in which it changes the value.
        hook: Hook,
        /// The value: `last_input` or `last_output`.
        changes: &'static str,
    },
    /// The bundle does not say how pictures are prepared.
    #[error(
        "the bundle can't say how pictures are prepared, because {why}: prepare them in this program as in training, and give the batches to \
         `predict`"
    )]
    Preparation {
        /// Why.
        why: String,
    },
    /// The description can't be written down.
    #[error("the bundle can't be written: {0}")]
    Written(String),
    /// The file has weights and no description.
    #[error("`{}` has weights, but is no bundle: write it with `learn.save_bundle(…)`, or load it with `learn.load(…)`", path.display())]
    NoBundle {
        /// The file.
        path: PathBuf,
    },
    /// The description is not one of a bundle.
    #[error("the bundle `{}` has a wrong description: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A newer version of this library has written it.
    #[error(
        "the bundle `{}` is of version {found}, and this library reads up to version {known}: a newer one has written it", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        found: u64,
        /// The newest version that can be read.
        known: u32,
    },
    /// The bundle has a state of the model, and the model has none, or the other way round.
    #[error(
        "the bundle has {} of the model, and the model `{model}` that was built {}: build the model with which it was saved",
        if *saved { "a state" } else { "no state" },
        if *saved { "has none" } else { "needs one" }
    )]
    ModelState {
        /// Whether the bundle has a state.
        saved: bool,
        /// The type of the model.
        model: String,
    },
    /// The model's parameters can't be had.
    #[error(transparent)]
    Params(#[from] GroupError),
    /// Only the code of the loss function knows the activation.
    #[error(
        "the bundle was saved with the loss function `{loss}`, and only its code knows the activation: give it to the predictor with \
         `.loss(…)`"
    )]
    Activation {
        /// The loss function.
        loss: String,
    },
    /// An input of another form than that of the training data.
    #[error("the model was trained on {wanted}, and the input is {got}; `n` is the number of items")]
    Input {
        /// The form of the training data.
        wanted: String,
        /// The form of the input.
        got: String,
    },
    /// Predictions were asked for as another type than the model's output.
    #[error("the model's output is a `{got}`, not a `{wanted}`: ask for `predict_as::<{got}>(…)`")]
    OutputType {
        /// The type that was asked for.
        wanted: String,
        /// The type of the model's output.
        got: String,
    },
    /// The model or the activation failed.
    #[error("the model with {input}: {}", brief(source))]
    Model {
        /// The input's shapes and kinds.
        input: String,
        /// The error.
        source: BoxError,
    },
    /// libtorch returned an error.
    #[error("{}", brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(BundleError);
