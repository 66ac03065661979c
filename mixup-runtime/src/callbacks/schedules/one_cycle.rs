//! The one-cycle policy.
//!
//! Source: fastai v2, `fit_one_cycle` and `combined_cos` (`fastai/callback/schedule.py`), after Smith, arXiv:1708.07120.

use std::fmt;

use mixup_macros::callback;
use serde::{Deserialize, Serialize};

use super::{Running, length};
use crate::{
    callbacks::Accumulate,
    optim::{Optimizer, Schedule, ScheduleError},
};

/// One cycle of the learning rate and the momentum over the whole training: [`fit_one_cycle`](crate::learner::Learner::fit_one_cycle) adds it for one
/// training, and as a callback every training has it.
///
/// The rate rises from `lr / 25` to the `lr` of `fit` in the first quarter of the training and then falls to `lr / 100,000`, both along a cosine. The
/// momentum (Adam's β₁) goes from 0.95 to 0.85 and back. These are the defaults of fastai v2; those of fastai v1 are `pct_start(0.3)` and
/// `div_final(2.5e5)`.
///
/// ```
/// use mixup::{callbacks::OneCycle, optim::Length};
///
/// let cycle = OneCycle::default().pct_start(0.5);
/// let factors = cycle.lr().values(Length::new(2, 50))?; // factors of the rate, for a plot
/// assert_eq!((factors[0], factors[50]), (0.04, 1.0));
/// let momenta = cycle.momentum().values(Length::new(2, 50))?;
/// assert_eq!((momenta[0], momenta[50]), (0.95, 0.85));
/// # Ok::<(), mixup::optim::ScheduleError>(())
/// ```
#[derive(Default)]
pub struct OneCycle {
    settings: Settings,
    running: Running,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Settings {
    pct_start: f64,
    div_start: f64,
    div_final: f64,
    momenta: [f64; 3],
}

impl Default for Settings {
    fn default() -> Self {
        Self { pct_start: 0.25, div_start: 25.0, div_final: 1e5, momenta: [0.95, 0.85, 0.95] }
    }
}

impl fmt::Debug for OneCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { pct_start, div_start, div_final, momenta } = self.settings;
        write!(f, "OneCycle(pct_start {pct_start}, div_start {div_start}, div_final {div_final}, momenta {momenta:?})")
    }
}

impl OneCycle {
    /// The part of the training in which the rate rises. Defaults to 0.25.
    #[must_use]
    pub fn pct_start(mut self, part: f64) -> Self {
        self.settings.pct_start = part;
        self
    }

    /// How many times less the first rate is than the highest. Defaults to 25.
    #[must_use]
    pub fn div_start(mut self, div: f64) -> Self {
        self.settings.div_start = div;
        self
    }

    /// How many times less the last rate is than the highest. Defaults to 100,000.
    #[must_use]
    pub fn div_final(mut self, div: f64) -> Self {
        self.settings.div_final = div;
        self
    }

    /// The momentum at the beginning, at the highest rate and at the end. Defaults to 0.95, 0.85, 0.95.
    #[must_use]
    pub fn momenta(mut self, begin: f64, middle: f64, end: f64) -> Self {
        self.settings.momenta = [begin, middle, end];
        self
    }

    /// The factor of the learning rate.
    #[must_use]
    pub fn lr(&self) -> Schedule {
        let Settings { pct_start, div_start, div_final, .. } = self.settings;
        Schedule::cosine(1.0 / div_start, 1.0).over(pct_start).then(Schedule::cosine(1.0, 1.0 / div_final))
    }

    /// The momentum.
    #[must_use]
    pub fn momentum(&self) -> Schedule {
        let Settings { pct_start, momenta: [begin, middle, end], .. } = self.settings;
        Schedule::cosine(begin, middle).over(pct_start).then(Schedule::cosine(middle, end))
    }
}

/// The settings are part of the state, so that a training that `fit_one_cycle` began goes on without them.
#[callback(crate = crate, describe, state(settings, running))]
impl OneCycle {
    fn on_train_begin(&mut self, opt: &dyn Optimizer) -> Result<(), ScheduleError> {
        self.lr().check()?;
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
        let (lr, momentum) = (self.lr(), self.momentum());
        self.running.set(opt, length(epochs, batches, accumulate)?, |_| (&lr, Some(&momentum)))
    }

    #[on(step_end, if = stepped)]
    fn count(&mut self, epoch: usize, batches: usize, num_batch: usize) {
        self.running.batches = epoch * batches + num_batch + 1;
    }

    fn on_train_end(&self, opt: &mut dyn Optimizer) {
        self.running.end(opt);
    }
}
