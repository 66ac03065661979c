//! The learner under test: it has a fuse in each of its parts, and witnesses among its callbacks.

use mixup::{callback::Hook, error::BoxError, prelude::*, training::Position};
use tch::{Kind, Tensor};

use crate::{
    script::{TRAINING_BATCHES, VALIDATION_BATCHES},
    support::{
        Linear, Log,
        fuse::{Fuse, Fused, Saboteur, metric},
        linear, series,
    },
};

/// A mixing callback, or none.
pub struct Mixing {
    pub name: &'static str,
    /// Adds the callback.
    pub add: Option<fn(&mut Learner)>,
    /// Whether it wraps the loss function.
    pub wraps: bool,
    /// Whether the targets are one-hot, and not class indices.
    pub one_hot: bool,
}

/// The place of the saboteur among the callbacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sabotage {
    BeforeMixing,
    AfterMixing,
}

impl Mixing {
    /// The saboteur's places: without a mixing callback there is only one.
    pub fn sabotages(&self) -> &[Sabotage] {
        if self.add.is_some() { &[Sabotage::BeforeMixing, Sabotage::AfterMixing] } else { &[Sabotage::BeforeMixing] }
    }
}

/// The callbacks that record what they see, in the order in which they run.
pub const CAST: [&str; 3] = [FIRST, SABOTEUR, LAST];
pub const FIRST: &str = "first";
pub const SABOTEUR: &str = "Saboteur";
pub const LAST: &str = "last";

const BATCH_SIZE: i64 = 4;

pub struct Subject {
    pub learn: Learner,
    pub fuse: Fuse,
    pub original: LossFunc,
    data: Views,
}

impl Subject {
    /// `validates_after`: the batch after which each epoch also validates.
    pub fn new(mixing: &Mixing, sabotage: Sabotage, validates_after: Option<usize>) -> Self {
        Self::keeping(mixing, sabotage, validates_after, None)
    }

    /// The same, with checkpoints.
    pub fn keeping(
        mixing: &Mixing,
        sabotage: Sabotage,
        validates_after: Option<usize>,
        checkpoints: Option<Checkpoints>,
    ) -> Self {
        let (fuse, items) = (Fuse::default(), Views::new(mixing.one_hot));
        let part = |batches| Fused(items.first(batches), fuse.clone());
        let data = Data::builder(part(TRAINING_BATCHES)).valid(part(VALIDATION_BATCHES));
        let data = data.batch_size(BATCH_SIZE as usize).shuffle(false).build().expect("there are items");
        let of_model = fuse.clone();
        let builder = Learner::builder(data, move |vars| Fused(Pixels(linear(vars, 4, 2)), of_model))
            .loss(Fused(CrossEntropy::default(), fuse.clone()))
            .optimizer(Fused(Sgd::default().momentum(0.9), fuse.clone()))
            .metric_named("accuracy", metric(&fuse))
            .quiet();
        let builder = match checkpoints {
            Some(checkpoints) => builder.checkpoints(checkpoints),
            None => builder,
        };
        let mut learn = builder.build().expect("nothing is wrong with it");
        let original = learn.loss_func().clone();
        let witness = |name| Witness { name, original: original.clone(), seen: fuse.passed.clone() };
        learn.callback(witness(FIRST));
        if sabotage == Sabotage::BeforeMixing {
            learn.callback(Saboteur(fuse.clone()));
        }
        mixing.add.into_iter().for_each(|add| add(&mut learn));
        if sabotage == Sabotage::AfterMixing {
            learn.callback(Saboteur(fuse.clone()));
        }
        if let Some(batch) = validates_after {
            let validate = hook!(on_batch_end, train, stateless, move |num_batch: usize| {
                (num_batch == batch).then_some(Validate)
            });
            learn.callback(validate);
        }
        learn.callback(witness(LAST));
        Self { learn, fuse, original, data: items }
    }

    /// Whether the data is unchanged since the learner was built.
    pub fn data_is_unchanged(&self, mixing: &Mixing) -> bool {
        let before = Views::new(mixing.one_hot);
        self.data.inputs.equal(&before.inputs) && self.data.targets.equal(&before.targets)
    }
}

/// Images of one channel and four pixels, whose batches share the memory of the data: writing into a batch changes the data.
struct Views {
    inputs: Tensor,
    targets: Tensor,
}

impl Views {
    fn new(one_hot: bool) -> Self {
        let items = BATCH_SIZE * TRAINING_BATCHES.max(VALIDATION_BATCHES) as i64;
        let classes = Tensor::arange(items, (Kind::Int64, tch::Device::Cpu)).remainder(2);
        let inputs = series(items * 4, 0.37).reshape([items, 1, 2, 2]);
        Self { inputs, targets: if one_hot { classes.one_hot(2).to_kind(Kind::Float) } else { classes } }
    }

    /// The items of the first `batches`, in the same memory.
    fn first(&self, batches: usize) -> Self {
        let items = BATCH_SIZE * batches as i64;
        Self { inputs: self.inputs.narrow(0, 0, items), targets: self.targets.narrow(0, 0, items) }
    }
}

impl Dataset for Views {
    fn len(&self) -> usize {
        self.inputs.size()[0] as usize
    }

    fn batch(&self, indices: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
        let (first, items) = (indices[0] as i64, indices.len() as i64); // the indices are consecutive: nothing is shuffled
        let of = |tensor: &Tensor| tensor.f_narrow(0, first, items);
        Ok(Batch { input: of(&self.inputs)?.into(), target: of(&self.targets)?.into() })
    }
}

/// A linear layer on the pixels, which blends stacked inputs itself.
struct Pixels(Linear);

impl Model for Pixels {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        let pixels = match input {
            Input::Stacked { first, second, weight } => {
                second.f_lerp_tensor(first, &weight.f_reshape([-1, 1, 1, 1])?)?.f_flatten(1, -1)?
            }
            other => other.one()?.f_flatten(1, -1)?,
        };
        self.0.forward_batch(&pixels.into(), train)
    }
}

/// Records each hook, and what it finds there.
struct Witness {
    name: &'static str,
    original: LossFunc,
    seen: Log,
}

impl Witness {
    /// Predictions have no loss function to look at.
    fn sees_predictions(&self, hook: Hook, batch: Option<usize>) {
        self.sees(hook, Position { batch, predict: true, ..Position::default() }, &self.original);
    }

    fn sees(&self, hook: Hook, at: Position, loss_func: &LossFunc) {
        let own_loss = loss_func.is_same(&self.original);
        // What always runs does so inside of a pass or behind it.
        self.seen.add(sight(self.name, hook, at, own_loss, is_always(hook) || autograd_is_on()));
    }
}

#[callback]
impl Witness {
    fn on_train_begin(&self, loss_func: &LossFunc) {
        self.sees(Hook::TrainBegin, Position::default(), loss_func);
    }

    fn on_epoch_begin(&self, epoch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::EpochBegin, Position { epoch: Some(epoch), train, ..Position::default() }, loss_func);
    }

    fn on_batch_begin(&self, epoch: usize, num_batch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::BatchBegin, batch_at(epoch, num_batch, train), loss_func);
    }

    fn on_loss_begin(&self, epoch: usize, num_batch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::LossBegin, batch_at(epoch, num_batch, train), loss_func);
    }

    fn on_backward_begin(&self, epoch: usize, num_batch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::BackwardBegin, batch_at(epoch, num_batch, train), loss_func);
    }

    fn on_backward_end(&self, epoch: usize, num_batch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::BackwardEnd, batch_at(epoch, num_batch, train), loss_func);
    }

    fn on_step_end(&self, epoch: usize, num_batch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::StepEnd, batch_at(epoch, num_batch, train), loss_func);
    }

    fn on_batch_end(&self, epoch: usize, num_batch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::BatchEnd, batch_at(epoch, num_batch, train), loss_func);
    }

    fn on_validate_begin(&self, epoch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::ValidateBegin, Position { epoch: Some(epoch), train, ..Position::default() }, loss_func);
    }

    fn on_validate_tally(&self, epoch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::ValidateTally, Position { epoch: Some(epoch), train, ..Position::default() }, loss_func);
    }

    fn on_validate_end(&self, epoch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::ValidateEnd, Position { epoch: Some(epoch), train, ..Position::default() }, loss_func);
    }

    fn on_epoch_end(&self, epoch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::EpochEnd, Position { epoch: Some(epoch), train, ..Position::default() }, loss_func);
    }

    #[on(batch_end, always)]
    fn after_batch(&self, epoch: usize, num_batch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::BatchEndAlways, batch_at(epoch, num_batch, train), loss_func);
    }

    #[on(validate_end, always)]
    fn after_validate(&self, epoch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::ValidateEndAlways, Position { epoch: Some(epoch), train, ..Position::default() }, loss_func);
    }

    #[on(epoch_end, always)]
    fn after_epoch(&self, epoch: usize, train: bool, loss_func: &LossFunc) {
        self.sees(Hook::EpochEndAlways, Position { epoch: Some(epoch), train, ..Position::default() }, loss_func);
    }

    fn on_train_end(&self, loss_func: &LossFunc) {
        self.sees(Hook::TrainEnd, Position::default(), loss_func);
    }

    fn on_predict_begin(&self) {
        self.sees_predictions(Hook::PredictBegin, None);
    }

    fn on_predict_batch_begin(&self, num_batch: usize) {
        self.sees_predictions(Hook::PredictBatchBegin, Some(num_batch));
    }

    fn on_predict_batch_end(&self, num_batch: usize) {
        self.sees_predictions(Hook::PredictBatchEnd, Some(num_batch));
    }

    #[on(predict_batch_end, always)]
    fn after_predict_batch(&self, num_batch: usize) {
        self.sees_predictions(Hook::PredictBatchEndAlways, Some(num_batch));
    }

    fn on_predict_end(&self) {
        self.sees_predictions(Hook::PredictEnd, None);
    }

    #[on(predict_end, always)]
    fn after_predict(&self) {
        self.sees_predictions(Hook::PredictEndAlways, None);
    }
}

fn batch_at(epoch: usize, batch: usize, train: bool) -> Position {
    Position { epoch: Some(epoch), batch: Some(batch), train, ..Position::default() }
}

/// Whether a hook runs for everybody who entered a phase, however it ends.
pub fn is_always(hook: Hook) -> bool {
    Hook::ALL.iter().any(|begin| begin.always() == Some(hook))
}

/// `first: on_batch_begin, epoch 0, validation batch 1, loss wrapped, autograd off`. A hook is not told after which batch a validation runs.
pub fn sight(who: &str, hook: Hook, at: Position, own_loss: bool, autograd: bool) -> String {
    let at = Position { after_batch: None, ..at };
    let loss = if own_loss { "" } else { ", loss wrapped" };
    let autograd = if autograd { "" } else { ", autograd off" };
    format!("{who}: {hook}, {at}{loss}{autograd}")
}

pub fn autograd_is_on() -> bool {
    (Tensor::from(1.0_f32).set_requires_grad(true) * 2.0).requires_grad()
}
