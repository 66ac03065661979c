//! Everything that a training knows at a moment, under the names of the table of hooks: fastai's `state_dict`, typed.
//!
//! Callbacks never see it whole: each hook is lent a view of what exists there. A field that does not exist yet holds a
//! value that nobody is shown.

use std::time::{Duration, Instant};

use tch::{Device, TchError, Tensor};

use super::{
    At, EpochReport, Hook, Outcome,
    deferred::{SmoothLoss, Told, Untold},
};
use crate::{
    batch::{Fresh, Input, Target},
    data::Data,
    loss::LossFunc,
    model::{Gradients, Model, Params},
    optim::Optimizer,
    rng::Rng,
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
    pub gradients: Gradients,
    pub epoch_time: Duration,
    pub outcome: Outcome,
    /// What stands behind these names, and what those are made from that cost something.
    pub beside: Beside,
    /// The last training's finished epochs, and how it ended: a validation after it changes neither.
    pub rows: Vec<EpochReport>,
    pub ended: Outcome,
}

/// What stands behind the state and is no name of its own.
#[derive(Default)]
pub(crate) struct Beside {
    pub smooth: SmoothLoss,
    /// The epochs so far, with what they measured.
    pub told: Vec<Told>,
    pub epoch_began: Option<Instant>,
    /// Whether an epoch, and a batch, is under way: for messages.
    pub in_epoch: bool,
    pub in_batch: bool,
    /// Whose turn it is, while a hook runs.
    pub turn: Option<(&'static str, Hook)>,
}

impl Beside {
    /// What the values that cost something are made from.
    pub(crate) fn untold(&mut self) -> Untold<'_> {
        Untold::new(&mut self.smooth, self.told.last_mut())
    }
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

    /// The finished epochs' numbers, read from the device all together where nobody has asked for them before.
    pub(crate) fn read_rows(&mut self) -> Result<(), TchError> {
        let losses = self.beside.smooth.at_marks()?;
        let finished = self.beside.told.iter_mut().filter_map(|told| Some((told.time?, told)));
        for ((time, told), train_loss) in finished.zip(losses) {
            let (valid_loss, metrics) = (told.measured.loss.mean()?, told.measured.metrics.means()?.to_vec());
            self.rows.push(EpochReport { epoch: told.epoch, train_loss, valid_loss, metrics, time });
        }
        Ok(())
    }

    /// Back to the state of no training: nothing of the last one is held on to but its report.
    pub(crate) fn reset(&mut self) {
        self.epoch = 0;
        self.iteration = 0;
        self.train = false;
        self.num_batch = 0;
        self.batches = 0;
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
