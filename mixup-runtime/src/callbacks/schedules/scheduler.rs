//! Any schedule of the learning rate and the momentum.

use std::fmt;

use mixup_macros::callback;

use super::{Running, length};
use crate::{
    callbacks::Accumulate,
    error::BoxError,
    optim::{Optimizer, Schedule, ScheduleError},
};

/// Sets learning rates and momenta by [`Schedule`]s: fastai's `ParamScheduler`, Keras's `LearningRateScheduler`, PyTorch's `lr_scheduler`.
///
/// The numbers of a schedule of the learning rate are factors: 1 is the rate that was given to `fit`, for each group its own. Those of a momentum are
/// the momenta themselves. The settings change with the optimizer's steps: as long as gradients are accumulated they stay. When training ends, the
/// optimizer has its own settings again.
///
/// ```
/// use mixup::prelude::*;
///
/// # fn main() -> Result<(), BoxError> {
/// let data = ImageData::digits()?.build()?;
/// let warm_up_then_cosine = Schedule::linear(0.0, 1.0).over(0.1).then(Schedule::cosine(1.0, 0.0));
/// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10]))
///     .callback(Scheduler::new(warm_up_then_cosine))
///     .quiet()
///     .build()?;
/// learn.fit(1, 1e-2)?;
/// # Ok(())
/// # }
/// ```
pub struct Scheduler {
    lr: Schedule,
    momentum: Option<Schedule>,
    /// The groups that have their own schedules.
    lr_of: Vec<(String, Schedule)>,
    momentum_of: Vec<(String, Schedule)>,
    running: Running,
}

/// `Scheduler(lr linear 0 to 1, momentum constant 0.9, lr of head constant 0.1)`.
impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scheduler(lr {:?}", self.lr)?;
        self.momentum.iter().try_for_each(|momentum| write!(f, ", momentum {momentum:?}"))?;
        for (what, schedules) in [("lr", &self.lr_of), ("momentum", &self.momentum_of)] {
            schedules.iter().try_for_each(|(group, schedule)| write!(f, ", {what} of {group} {schedule:?}"))?;
        }
        f.write_str(")")
    }
}

impl Scheduler {
    /// A schedule of the learning rates of all groups: factors of the rates that were given to `fit`.
    #[must_use]
    pub fn new(lr: Schedule) -> Self {
        Self { lr, momentum: None, lr_of: Vec::new(), momentum_of: Vec::new(), running: Running::default() }
    }

    /// A schedule of the momentum (Adam's β₁) of all groups, which otherwise stays as it is.
    #[must_use]
    pub fn momentum(self, momentum: Schedule) -> Self {
        Self { momentum: Some(momentum), ..self }
    }

    /// Another schedule of the learning rate for one group of parameters. An unknown group is an error when training begins.
    #[must_use]
    pub fn lr_of(mut self, group: impl Into<String>, lr: Schedule) -> Self {
        self.lr_of.push((group.into(), lr));
        self
    }

    /// Another schedule of the momentum for one group of parameters.
    #[must_use]
    pub fn momentum_of(mut self, group: impl Into<String>, momentum: Schedule) -> Self {
        self.momentum_of.push((group.into(), momentum));
        self
    }

    fn of(&self, group: &str) -> (&Schedule, Option<&Schedule>) {
        (own(&self.lr_of, group).unwrap_or(&self.lr), own(&self.momentum_of, group).or(self.momentum.as_ref()))
    }
}

fn own<'s>(schedules: &'s [(String, Schedule)], group: &str) -> Option<&'s Schedule> {
    schedules.iter().find(|(own, _)| own == group).map(|(_, schedule)| schedule)
}

#[callback(crate = crate, describe, state(running))]
impl Scheduler {
    fn on_train_begin(&mut self, opt: &dyn Optimizer) -> Result<(), BoxError> {
        for (group, schedule) in self.lr_of.iter().chain(&self.momentum_of) {
            opt.hyper(group)?;
            schedule.check()?;
        }
        self.lr.check()?;
        self.momentum.as_ref().map_or(Ok(()), Schedule::check)?;
        self.running = Running::begin(opt);
        Ok(())
    }

    #[on(batch_begin, train)]
    fn set(
        &self,
        opt: &mut dyn Optimizer,
        epochs: usize,
        batches: usize,
        accumulate: Option<&Accumulate>,
    ) -> Result<(), ScheduleError> {
        self.running.set(opt, length(epochs, batches, accumulate)?, |group| self.of(group))
    }

    #[on(step_end, if = stepped)]
    fn count(&mut self, epoch: usize, batches: usize, num_batch: usize) {
        self.running.batches = epoch * batches + num_batch + 1;
    }

    fn on_train_end(&self, opt: &mut dyn Optimizer) {
        self.running.end(opt);
    }
}
