//! The learner, its callbacks, the data and MixUp: what the facade `mixup` re-exports.
#![deny(unsafe_code)]
#![deny(missing_docs)]

pub mod callback;
pub mod callbacks;
pub mod data;
pub mod error;
pub mod input;
pub mod learner;
pub mod loss;
pub mod metrics;
pub mod mixup;
pub mod model;
pub mod optim;
pub mod scalars;
pub mod target;

/// What nearly every program needs: `use mixup::prelude::*;`.
pub mod prelude {
    pub use mixup_macros::{callback, hook, on};

    pub use crate::{
        Rng,
        callback::{
            Callback, KeepGradients, Outcome, SkipBackward, SkipBatch, SkipEpoch, SkipStep, SkipValidation,
            StopTraining,
        },
        callbacks::{Progress, Recorder},
        data::{Batch, Data, DataError, Dataset, Fresh, ImageData, TensorDataset},
        error::Error,
        input::Input,
        learner::{Learner, Report},
        loss::{BceWithLogits, CrossEntropy, Loss, LossFunc, Mse, MultiTask, Nll, Reduction, per_item},
        metrics::{accuracy, error_rate, mae, mse},
        mixup::{CutMix, Draws, MixUp, MixUpLoss, MixUpOrCutMix},
        model::{GradientError, Gradients, Model, Params, simple_cnn},
        optim::{Adam, AdamW, Optimizer, RmsProp, Sgd},
        target::Target,
    };
}

/// The generator behind everything random that the library does: seeded, portable, the same bits on every machine.
pub type Rng = rand_chacha::ChaCha8Rng;
