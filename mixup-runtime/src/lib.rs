//! The learner, its callbacks, the data and MixUp: what the facade `mixup` re-exports.
//!
//! Each module imports only those before it in this list, and a test checks that: `error`, `rng`, `names`, `state`, `files`,
//! `kernel`, `transforms`, `plots`, `batch`, `model`, `optim`, `loss`, `metrics`, `data`, `training`, `callback`, `callbacks`, `learner`, `vision`.
#![deny(unsafe_code)]
#![deny(missing_docs)]

pub mod batch;
pub mod callback;
pub mod callbacks;
pub mod data;
pub mod error;
pub mod files;
mod kernel;
pub mod learner;
pub mod loss;
pub mod metrics;
pub mod model;
mod names;
pub mod optim;
pub mod plots;
pub mod rng;
pub mod state;
pub mod training;
pub mod transforms;
pub mod vision;

pub use learner::default_device;
/// The crate with the traits of a hook's `rng`. The prelude has `RngExt`, for drawing numbers.
pub use rand;
pub use rng::Rng;

/// What nearly every program needs: `use mixup::prelude::*;`.
pub mod prelude {
    pub use mixup_macros::{callback, hook, on};
    /// The methods of a hook's `rng`: `rng.random_range(0..8)`.
    pub use rand::RngExt as _;

    #[cfg(feature = "download")]
    pub use crate::data::{Url, untar_data};
    pub use crate::{
        batch::{AnyOutput, Batch, EachTensor, Input, Output, Target},
        callback::{
            Callback, KeepGradients, SkipBackward, SkipBatch, SkipEpoch, SkipStep, SkipValidation, StopTraining,
            Validate,
        },
        callbacks::{
            Accumulate, ActivationStats, BnFreeze, CsvLogger, EarlyStopping, Ema, GradScaler, GradientClip, JsonLines,
            OneCycle, Progress, RandomErasing, Recorder, ReduceOnPlateau, SaveBest, Scheduler, StopAfter, TensorBoard,
            TerminateOnNan, Unfreeze, ValidateEvery,
            mixing::{CutMix, Draws, MixUp, MixUpLoss, MixUpOrCutMix},
        },
        data::{
            Columns, Data, DataError, Dataset, ImageData, KFold, NameSplit, Part, RandomSplit, Sampler, Sampling,
            Shard, TensorDataset, Weighted,
        },
        error::BoxError,
        learner::{Checkpoints, Learner, LearnerState, Prediction, Predictions, Step, TrainStep},
        loss::{
            BceWithLogits, CrossEntropy, Dice, Focal, FocalWithLogits, Huber, L1, Loss, LossFunc, LossSum, Mse,
            MultiTask, Nll, Reduction, of_batch, per_item,
        },
        metrics::{
            Average, ConfusionMatrix, FBeta, OverSet, Perplexity, Precision, R2, Recall, Rmse, RocAuc, TopK, accuracy,
            error_rate, mae, mse,
        },
        model::{AnyModel, GradientError, Gradients, GroupError, Model, Params, simple_cnn},
        optim::{Adam, AdamW, Hyper, Lr, Optimizer, Optimizers, RmsProp, Schedule, Sgd, Span},
        rng::{ItemRngs, Rng},
        state::{State, StateError, Stateful},
        training::{Error, Interrupt, Outcome, ReadError, Report, RunningLoss, Tally, Uses, Value, Values, World},
        transforms::{CenterCrop, ColorJitter, Normalize, RandomFlip, RandomResizedCrop, Resize, Rotate},
    };
}
