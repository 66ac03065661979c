//! Everything that a training knows at a moment, under the names of the table of hooks: fastai's `state_dict`, typed.
//!
//! Callbacks never see it whole: each hook is lent a view of what exists there. A field that does not exist yet holds a
//! value that nobody is shown.

use std::time::{Duration, Instant};

use tch::{Device, TchError, Tensor};

use super::EpochReport;
use crate::{
    Rng,
    callback::{Hook, Outcome},
    data::{Data, Fresh},
    error::At,
    input::Input,
    loss::LossFunc,
    model::{Gradients, Model, Params},
    optim::Optimizer,
    scalars::Scalars,
    target::Target,
};

pub(crate) struct State {
    pub epochs: usize,
    pub metric_names: Vec<String>,
    pub loss_func: LossFunc,
    pub opt: Box<dyn Optimizer>,
    pub params: Params,
    pub model: Box<dyn Model>,
    pub data: Data,
    pub rng: Rng,
    pub device: Device,
    pub epoch: usize,
    pub iteration: usize,
    pub train: bool,
    pub last_input: Input,
    pub last_target: Target,
    pub fresh: Fresh,
    pub num_batch: usize,
    pub batches: usize,
    pub last_output: Tensor,
    pub last_loss: Tensor,
    pub smooth_loss: f64,
    pub gradients: Gradients,
    pub valid_loss: Option<f64>,
    pub last_metrics: Vec<f64>,
    pub train_loss: f64,
    pub epoch_time: Duration,
    pub outcome: Outcome,
    /// What the names above are made from.
    pub beside: Beside,
    /// The last training's finished epochs, and how it ended: a validation after it changes neither.
    pub rows: Vec<EpochReport>,
    pub ended: Outcome,
}

/// What stands behind the state and is no name of its own.
#[derive(Default)]
pub(crate) struct Beside {
    pub smooth: SmoothLoss,
    pub epoch_began: Option<Instant>,
    /// Whether an epoch, and a batch, is under way: for messages.
    pub in_epoch: bool,
    pub in_batch: bool,
    /// Whose turn it is, while a hook runs.
    pub turn: Option<(&'static str, Hook)>,
}

impl State {
    /// The place in the training, for messages.
    pub(crate) fn at(&self) -> At {
        At {
            epoch: self.beside.in_epoch.then_some(self.epoch),
            batch: self.beside.in_batch.then_some(self.num_batch),
            train: self.train,
        }
    }

    /// Fills in `smooth_loss`: waits for the device, so it is made only where somebody asks.
    pub(crate) fn make_smooth_loss(&mut self) {
        self.smooth_loss = self.beside.smooth.value();
    }

    /// Back to the state of no training: nothing of the last one is held on to but its report.
    pub(crate) fn reset(&mut self) {
        self.epoch = 0;
        self.iteration = 0;
        self.train = false;
        self.num_batch = 0;
        self.batches = 0;
        self.valid_loss = None;
        self.train_loss = f64::NAN;
        self.smooth_loss = f64::NAN;
        self.beside = Beside::default();
        self.drop_batch();
    }

    /// Lets go of the last batch's tensors.
    pub(crate) fn drop_batch(&mut self) {
        self.last_input = Input::Tensors(Vec::new());
        self.last_target = Target::Dense(Tensor::new());
        self.fresh = Fresh::nothing();
        self.last_output = Tensor::new();
        self.last_loss = Tensor::new();
    }
}

/// The training loss smoothed over batches, as fastai v1's `SmoothenValue`: an exponential mean with β 0.98, corrected for
/// its beginning at zero.
#[derive(Default)]
pub(crate) struct SmoothLoss {
    new: Scalars,
    mean: f64,
    count: u32,
}

const BETA: f64 = 0.98;

impl SmoothLoss {
    pub(crate) fn push(&mut self, loss: &Tensor) -> Result<(), TchError> {
        self.new.push(loss)
    }

    /// NaN before the first loss, or where a loss can't be read.
    pub(crate) fn value(&mut self) -> f64 {
        let Ok(losses) = self.new.values() else { return f64::NAN };
        for loss in losses {
            self.mean = BETA * self.mean + (1.0 - BETA) * loss;
            self.count = self.count.saturating_add(1);
        }
        self.new.clear();
        self.mean / (1.0 - BETA.powf(f64::from(self.count)))
    }
}

/// A mean over items, of values that come a batch at a time.
#[derive(Default)]
pub(super) struct Weighted {
    values: Scalars,
    items: Vec<usize>,
}

impl Weighted {
    pub(super) fn push(&mut self, value: &Tensor, items: usize) -> Result<(), TchError> {
        self.values.push(value)?;
        self.items.push(items);
        Ok(())
    }

    /// None where nothing came.
    pub(super) fn mean(&mut self) -> Result<Option<f64>, TchError> {
        let items: usize = self.items.iter().sum();
        let sum: f64 = self.values.values()?.iter().zip(&self.items).map(|(value, items)| value * *items as f64).sum();
        Ok((items > 0).then(|| sum / items as f64))
    }
}
