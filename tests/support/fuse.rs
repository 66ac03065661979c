//! Something goes wrong, once, at a place that is told beforehand: in a hook, the model, the loss function, the data, a
//! metric.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use mixup::{
    batch::Batch,
    callback::Hook,
    data::{DataError, Dataset},
    error::BoxError,
    learner::Interrupt,
    prelude::*,
};
use signal_hook::{consts::SIGINT, low_level::raise};
use tch::Tensor;

use super::Linear;

/// Where it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Hook(Hook),
    Model,
    Loss,
    Data,
    Metric,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Trouble {
    Stop,
    Error,
    Panic,
    CtrlC,
    Interrupt(Interrupt),
}

/// The error that was planned.
#[derive(Debug)]
pub struct Planned(pub Place);

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "as planned, in {:?}", self.0)
    }
}

impl std::error::Error for Planned {}

/// Burns down once, when its place is passed for the last of `after` times; clones burn together.
#[derive(Clone, Default)]
pub struct Fuse(Arc<Mutex<Option<(Place, Trouble, usize)>>>);

impl Fuse {
    /// Goes off at the place, when it has been passed `after` times.
    pub fn set(&self, place: Place, trouble: Trouble, after: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((place, trouble, after));
    }

    /// Whether it has not gone off.
    pub fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Passes the place; true asks for a stop.
    pub fn pass(&self, here: Place) -> Result<bool, Planned> {
        let mut fuse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *fuse {
            Some((place, _, after)) if *place == here && *after > 0 => *after -= 1,
            Some((place, ..)) if *place == here => {
                let trouble = fuse.take();
                drop(fuse);
                match trouble {
                    Some((_, Trouble::Stop, _)) => return Ok(true),
                    Some((_, Trouble::Error, _)) => return Err(Planned(here)),
                    Some((_, Trouble::Panic, _)) => panic!("{}", Planned(here)),
                    Some((_, Trouble::CtrlC, _)) => raise(SIGINT).expect("a signal to oneself"),
                    Some((_, Trouble::Interrupt(handle), _)) => handle.interrupt(),
                    None => {}
                }
            }
            _ => {}
        }
        Ok(false)
    }

    fn hook(&self, hook: Hook) -> Result<(), Planned> {
        self.pass(Place::Hook(hook)).map(drop)
    }

    fn stoppable(&self, hook: Hook) -> Result<Option<StopTraining>, Planned> {
        Ok(self.pass(Place::Hook(hook))?.then(|| StopTraining::because("as planned")))
    }
}

/// A callback with every hook, each with the fuse in it.
pub struct Saboteur(pub Fuse);

#[callback]
impl Saboteur {
    fn on_train_begin(&mut self) -> Result<Option<StopTraining>, Planned> {
        self.0.stoppable(Hook::TrainBegin)
    }

    fn on_epoch_begin(&mut self) -> Result<Option<StopTraining>, Planned> {
        self.0.stoppable(Hook::EpochBegin)
    }

    fn on_batch_begin(&mut self) -> Result<Option<StopTraining>, Planned> {
        self.0.stoppable(Hook::BatchBegin)
    }

    fn on_loss_begin(&mut self) -> Result<(), Planned> {
        self.0.hook(Hook::LossBegin)
    }

    fn on_backward_begin(&mut self) -> Result<(), Planned> {
        self.0.hook(Hook::BackwardBegin)
    }

    fn on_backward_end(&mut self) -> Result<(), Planned> {
        self.0.hook(Hook::BackwardEnd)
    }

    fn on_step_end(&mut self) -> Result<(), Planned> {
        self.0.hook(Hook::StepEnd)
    }

    fn on_batch_end(&mut self) -> Result<Option<StopTraining>, Planned> {
        self.0.stoppable(Hook::BatchEnd)
    }

    fn on_validate_begin(&mut self) -> Result<(), Planned> {
        self.0.hook(Hook::ValidateBegin)
    }

    fn on_validate_end(&mut self) -> Result<(), Planned> {
        self.0.hook(Hook::ValidateEnd)
    }

    fn on_epoch_end(&mut self) -> Result<Option<StopTraining>, Planned> {
        self.0.stoppable(Hook::EpochEnd)
    }

    fn on_train_end(&mut self) -> Result<(), Planned> {
        self.0.hook(Hook::TrainEnd)
    }
}

/// A model with the fuse in it.
pub struct Fused<T>(pub T, pub Fuse);

impl Model for Fused<Linear> {
    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        self.1.pass(Place::Model)?;
        self.0.forward_batch(input, train)
    }
}

impl Loss for Fused<CrossEntropy> {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.1.pass(Place::Loss)?;
        self.0.loss(output, target, reduction)
    }
}

impl Dataset for Fused<TensorDataset> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, indices: &[usize]) -> Result<Batch, DataError> {
        self.1.pass(Place::Data).map_err(DataError::other)?;
        self.0.batch(indices)
    }
}

/// A metric with the fuse in it.
pub fn metric(fuse: &Fuse) -> impl Fn(&Tensor, &Target) -> Result<Tensor, BoxError> + use<> {
    let fuse = fuse.clone();
    move |output, target| {
        fuse.pass(Place::Metric)?;
        Ok(accuracy(output, target)?)
    }
}
