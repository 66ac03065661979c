//! Everything that a training knows at a moment, under the names of the table of hooks: a typed form of fastai's `state_dict`.
//!
//! Callbacks never see it as a whole: each hook borrows a view of the values that exist there. A field that does not exist yet
//! holds a value that nobody sees.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use tch::{Device, TchError, Tensor};

use super::{
    EpochReport, Error, Hook, Interrupt, Life, Outcome, Position, Tally, Values, World,
    deferred::{Deferred, EpochRecord, Measured},
    parts::Parts,
    series::Shared,
    smooth::{RunningLoss, SmoothLoss},
};
use crate::{
    batch::{AnyOutput, Input, Target, in_place},
    data::{Data, Sampling},
    error::BoxError,
    loss::LossFunc,
    model::{AnyModel, Gradients, Params},
    optim::Optimizer,
    rng::Rng,
};

pub(crate) struct State {
    pub epochs: usize,
    pub resumed: bool,
    /// The metrics, and after them the parts of the loss under `valid_` and their names.
    pub metric_names: Vec<String>,
    /// The names of the loss function's parts.
    pub loss_parts: Vec<String>,
    pub loss_func: LossFunc,
    pub opt: Box<dyn Optimizer>,
    pub params: Params,
    pub model: Box<dyn AnyModel>,
    pub data: Data,
    pub sampler: Sampling,
    pub valid_sampler: Sampling,
    /// The generator of the callback whose turn it is, if it asks for one.
    pub rng: Rng,
    pub device: Device,
    pub world: World,
    pub interrupt: Interrupt,
    pub epoch: usize,
    pub iteration: usize,
    pub steps: usize,
    pub stepped: bool,
    pub train: bool,
    pub last_input: Input,
    pub last_target: Target,
    pub num_batch: usize,
    pub batches: usize,
    pub last_output: AnyOutput,
    pub last_loss: Tensor,
    pub running_loss: RunningLoss,
    pub gradients: Gradients,
    /// The parameters of each optimizer, if there are several.
    pub parts: Parts,
    pub epoch_time: Duration,
    /// What the validation has measured, in its hook only.
    pub tally: Tally,
    pub outcome: Outcome,
    pub values: Values,
    /// Everything that has no name in the table.
    pub internal: Internal,
    pub life: Life,
    /// The finished epochs of the last training, the names of their metrics and values, and how it ended. A later validation
    /// changes none of these.
    pub rows: Vec<EpochReport>,
    pub row_metrics: Vec<String>,
    pub value_names: Vec<String>,
    pub ended: Outcome,
}

/// What a training knows besides the names of the table.
#[derive(Default)]
pub(crate) struct Internal {
    pub smooth: Shared<SmoothLoss>,
    /// The epochs so far, with their measurements.
    pub records: Vec<EpochRecord>,
    /// The validation whose numbers hooks have now, and where its metrics are kept when they are read.
    pub measured: Option<Measured>,
    pub means: Vec<f64>,
    pub epoch_began: Option<Instant>,
    /// The loss function that has been checked on a batch of this run, and whether it has the parts that were declared when the run
    /// began: another one, which a callback has put in its place, may have others.
    pub loss_checked: Option<(LossFunc, bool)>,
    /// The parts of the validation batch's loss.
    pub last_parts: Vec<Tensor>,
    /// Whether an epoch, and a batch, is in progress, for messages.
    pub in_epoch: bool,
    pub in_batch: bool,
    /// For a validation in the middle of an epoch, the training batch after which it runs.
    pub after_batch: Option<usize>,
    /// For a run outside of a training, its number.
    pub own_run: Option<NonZeroUsize>,
    /// Whether this run predicts.
    pub predicts: bool,
    /// The index of the callback that is running, and its hook.
    pub turn: Option<(usize, Hook)>,
    pub orders: Orders,
}

/// The orders of the passes that are in progress.
#[derive(Clone, Default)]
pub(crate) struct Orders {
    pub training: Arc<[usize]>,
    pub validation: Arc<[usize]>,
}

impl Orders {
    /// Keeps the order of a pass that begins.
    pub(crate) fn keep(&mut self, train: bool, order: Arc<[usize]>) {
        *(if train { &mut self.training } else { &mut self.validation }) = order;
    }
}

impl Internal {
    /// What deferred values are read from.
    pub(crate) fn deferred(&mut self) -> Deferred<'_> {
        Deferred { smooth: &self.smooth, measured: self.measured.as_ref(), means: Some(&mut self.means) }
    }
}

impl State {
    /// The learner's position.
    pub(crate) fn at(&self) -> Position {
        let Internal { in_epoch, in_batch, after_batch, own_run, predicts, .. } = self.internal;
        Position {
            epoch: in_epoch.then_some(self.epoch),
            epochs_before: self.life.epochs - usize::from(in_epoch),
            batch: in_batch.then_some(self.num_batch),
            train: self.train,
            after_batch,
            own_run,
            predict: predicts,
        }
    }

    /// The error for what the loss function returned.
    pub(crate) fn loss_error(&self, source: BoxError) -> Error {
        Error::Loss { loss: self.loss_func.name(), at: self.at(), source }
    }

    /// Reads the numbers of the finished epochs from the device, all at once if nobody has asked for them before.
    pub(crate) fn read_rows(&mut self) -> Result<(), TchError> {
        let losses = self.internal.smooth.lock().at_marks()?;
        let finished = self.internal.records.iter().filter_map(|record| Some((record.time?, record)));
        for ((time, record), train_loss) in finished.zip(losses) {
            let valid_loss = record.measured.as_ref().map_or(Ok(None), |measured| measured.loss.lock().mean())?;
            let nothing = || Ok(vec![f64::NAN; self.metric_names.len()]);
            let metrics = record.measured.as_ref().map_or_else(nothing, Measured::means)?;
            let values = record.published.iter().map(|series| Ok(series.lock().mean()?.unwrap_or(f64::NAN)));
            let values = values.collect::<Result<_, TchError>>()?;
            self.rows.push(EpochReport { epoch: record.epoch, train_loss, valid_loss, metrics, values, time });
        }
        Ok(())
    }

    /// Resets everything to the state outside of a training; only the report of the last one is kept.
    pub(crate) fn reset(&mut self) {
        self.epoch = 0;
        self.iteration = 0;
        self.steps = 0;
        self.stepped = false;
        self.train = false;
        self.num_batch = 0;
        self.batches = 0;
        self.choose(None);
        self.running_loss = RunningLoss::new();
        let smooth = self.running_loss.shared();
        self.internal = Internal { smooth, means: vec![f64::NAN; self.metric_names.len()], ..Internal::default() };
        self.drop_batch();
    }

    /// Lets hooks see the gradients of one optimizer's parameters; of all parameters again with `None`.
    pub(crate) fn choose(&mut self, part: Option<usize>) {
        self.parts.choose(part, &mut self.gradients);
    }

    /// Drops the tensors of the last batch.
    pub(crate) fn drop_batch(&mut self) {
        self.last_input = Input::Tensors(Vec::new());
        self.last_target = Target::Dense(Tensor::new());
        in_place::end();
        self.last_output = AnyOutput::default();
        self.last_loss = Tensor::new();
        self.internal.last_parts.clear();
    }
}
