//! Callbacks that set learning rates and momenta by a schedule.

mod one_cycle;
mod scheduler;

pub use one_cycle::OneCycle;
pub use scheduler::Scheduler;
use serde::{Deserialize, Serialize};

use crate::{
    callbacks::Accumulate,
    optim::{Hyper, Length, Optimizer, Schedule, ScheduleError},
};

/// The optimizer's settings before the training, and how many batches it had when it took its last step.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Running {
    base: Vec<Hyper>,
    batches: usize,
}

impl Running {
    fn begin(opt: &dyn Optimizer) -> Self {
        Self { base: opt.hypers().iter().map(|(_, hyper)| *hyper).collect(), batches: 0 }
    }

    /// Sets the rate of each group to a multiple of its rate in `fit`, and the momentum if that has a schedule.
    fn set<'s>(
        &self,
        opt: &mut dyn Optimizer,
        length: Length,
        of: impl Fn(&str) -> (&'s Schedule, Option<&'s Schedule>),
    ) -> Result<(), ScheduleError> {
        let now = |schedule: &Schedule| match schedule.at(self.batches as f64, length) {
            number if number.is_finite() => Ok(number),
            number => Err(ScheduleError::NotFinite { number, batches: self.batches }),
        };
        for ((group, hyper), base) in opt.hypers_mut().iter_mut().zip(&self.base) {
            let (lr, momentum) = of(group);
            hyper.lr = base.lr * now(lr)?;
            if let Some(momentum) = momentum {
                hyper.momentum = now(momentum)?;
            }
        }
        Ok(())
    }

    /// Gives the optimizer back the settings that it had.
    fn end(&self, opt: &mut dyn Optimizer) {
        for ((_, hyper), base) in opt.hypers_mut().iter_mut().zip(&self.base) {
            (hyper.lr, hyper.momentum) = (base.lr, base.momentum);
        }
    }
}

/// The length of a training.
fn length(epochs: usize, batches: usize, accumulate: Option<&Accumulate>) -> Result<Length, ScheduleError> {
    if batches == usize::MAX {
        return Err(ScheduleError::Unbounded);
    }
    Ok(Length::new(epochs, batches).accumulated(accumulate.map_or(1, Accumulate::batches_per_step)))
}
