//! Makes something go wrong, once, at a chosen place: in a hook, the model, the loss function, the optimizer, the data or a
//! metric.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use mixup::{
    callback::{
        BackwardBegin, BackwardEnd, BatchBegin, BatchEnd, BatchEndAlways, EpochBegin, EpochEnd, EpochEndAlways,
        Handler, Hook, HookResult, LossBegin, PredictBatchBegin, PredictBatchEnd, PredictBatchEndAlways, PredictBegin,
        PredictEnd, PredictEndAlways, Requests, StepEnd, TrainBegin, TrainEnd, ValidateBegin, ValidateEnd,
        ValidateEndAlways, ValidateTally,
    },
    error::BoxError,
    optim::{Hypers, SettingError},
    prelude::*,
};
use signal_hook::{consts::SIGINT, low_level::raise};
use tch::{TchError, Tensor};

use super::Log;

/// Where it happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Hook(Hook),
    Model,
    Loss,
    Optimizer,
    Data,
    Metric,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// The hook returns this.
    Return(Flow),
    Error,
    Panic,
    CtrlC,
    /// The process is killed.
    #[cfg(unix)]
    Kill,
    Interrupt(Interrupt),
}

/// The requests that a hook can return, one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    KeepGradients,
    SkipStep,
    SkipBackward,
    SkipBatch,
    SkipValidation,
    SkipEpoch,
    Validate,
    StopTraining(StopTraining),
}

impl From<Flow> for Requests {
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::Continue => Self::none(),
            Flow::KeepGradients => KeepGradients.into(),
            Flow::SkipStep => SkipStep.into(),
            Flow::SkipBackward => SkipBackward.into(),
            Flow::SkipBatch => SkipBatch.into(),
            Flow::SkipValidation => SkipValidation.into(),
            Flow::SkipEpoch => SkipEpoch.into(),
            Flow::Validate => Validate.into(),
            Flow::StopTraining(stop) => stop.into(),
        }
    }
}

impl Trouble {
    pub fn stop() -> Self {
        Self::Return(Flow::StopTraining(StopTraining::because("as planned")))
    }
}

/// The planned error.
#[derive(Debug)]
pub struct Planned(pub Place);

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "as planned, in {:?}", self.0)
    }
}

impl std::error::Error for Planned {}

/// Goes off once, after its place was passed a set number of times. Clones share the fuse.
#[derive(Clone, Default)]
pub struct Fuse {
    charge: Arc<Mutex<Option<(Place, Trouble, usize)>>>,
    /// The places that were passed, in order.
    pub passed: Log,
}

impl Fuse {
    /// Sets the fuse to go off at a place after that was passed `after` times.
    pub fn set(&self, place: Place, trouble: Trouble, after: usize) {
        *self.charge.lock().unwrap_or_else(PoisonError::into_inner) = Some((place, trouble, after));
    }

    /// Whether the fuse has not gone off.
    pub fn is_set(&self) -> bool {
        self.charge.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Passes a place, and returns what the hook there must return.
    pub fn pass(&self, here: Place) -> Result<Flow, Planned> {
        self.passed.add(format!("{here:?}"));
        let mut charge = self.charge.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *charge {
            Some((place, _, after)) if *place == here && *after > 0 => *after -= 1,
            Some((place, ..)) if *place == here => {
                let trouble = charge.take();
                drop(charge);
                match trouble {
                    Some((_, Trouble::Return(flow), _)) => return Ok(flow),
                    Some((_, Trouble::Error, _)) => return Err(Planned(here)),
                    Some((_, Trouble::Panic, _)) => panic!("{}", Planned(here)),
                    Some((_, Trouble::CtrlC, _)) => raise(SIGINT).expect("a signal to oneself"),
                    #[cfg(unix)]
                    Some((_, Trouble::Kill, _)) => {
                        raise(signal_hook::consts::SIGKILL).expect("a signal to oneself");
                    }
                    Some((_, Trouble::Interrupt(handle), _)) => handle.interrupt(),
                    None => {}
                }
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

/// A callback with the fuse in every hook.
pub struct Saboteur(pub Fuse);

/// It is hand-written, because each hook may return any of its requests.
macro_rules! sabotage {
    ($($hook:ident $event:ident,)*) => {
        impl Callback for Saboteur {
            const NAME: &'static str = "Saboteur";

            fn handlers(&self) -> Vec<Handler> {
                vec![$(Handler::new(Hook::$event),)*]
            }

            /// What it does once is not done again by a training that goes on.
            fn is_stateless(&self) -> bool {
                true
            }

            $(fn $hook(&mut self, _: &mut $event<'_>) -> HookResult {
                Ok(self.0.pass(Place::Hook(Hook::$event))?.into())
            })*
        }
    };
}

sabotage! {
    on_train_begin TrainBegin,
    on_epoch_begin EpochBegin,
    on_batch_begin BatchBegin,
    on_loss_begin LossBegin,
    on_backward_begin BackwardBegin,
    on_backward_end BackwardEnd,
    on_step_end StepEnd,
    on_batch_end BatchEnd,
    on_batch_end_always BatchEndAlways,
    on_validate_begin ValidateBegin,
    on_validate_tally ValidateTally,
    on_validate_end ValidateEnd,
    on_validate_end_always ValidateEndAlways,
    on_epoch_end EpochEnd,
    on_epoch_end_always EpochEndAlways,
    on_train_end TrainEnd,
    on_predict_begin PredictBegin,
    on_predict_batch_begin PredictBatchBegin,
    on_predict_batch_end PredictBatchEnd,
    on_predict_batch_end_always PredictBatchEndAlways,
    on_predict_end PredictEnd,
    on_predict_end_always PredictEndAlways,
}

/// A model, loss function, data set or optimizer with the fuse in it.
pub struct Fused<T>(pub T, pub Fuse);

impl<M: Model> Model for Fused<M> {
    type Output = M::Output;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<M::Output, BoxError> {
        self.1.pass(Place::Model)?;
        self.0.forward_batch(input, train)
    }
}

impl<L: Loss> Loss for Fused<L> {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.1.pass(Place::Loss)?;
        self.0.loss(output, target, reduction)
    }

    fn mixed_loss(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        self.1.pass(Place::Loss)?;
        self.0.mixed_loss(output, first, second, weight, reduction)
    }

    /// Each call of the loss is one that the training needs, so that the tests can count them.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<D: Dataset> Dataset for Fused<D> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
        self.1.pass(Place::Data).map_err(DataError::other)?;
        self.0.batch(indices, rngs)
    }
}

impl<O: Optimizer> Optimizer for Fused<O> {
    fn step(&mut self, params: &Params) -> Result<(), TchError> {
        // When an optimizer panics, autograd is off.
        tch::no_grad(|| self.1.pass(Place::Optimizer)).map_err(|planned| TchError::Torch(planned.to_string()))?;
        self.0.step(params)
    }

    fn hypers(&self) -> &Hypers {
        self.0.hypers()
    }

    fn hypers_mut(&mut self) -> &mut Hypers {
        self.0.hypers_mut()
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.0.stateful()
    }

    fn check(&self) -> Result<(), SettingError> {
        self.0.check()
    }

    fn describe(&self) -> String {
        self.0.describe()
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
