//! Trains the head of a pretrained network, then all of it.
//!
//! Source: fastai v2, `Learner.fine_tune` (`fastai/callback/schedule.py`), with its defaults.

use crate::{
    callbacks::OneCycle,
    learner::Learner,
    optim::Lr,
    training::{Error, Report},
};

impl Learner {
    /// Fine-tunes a pretrained network as fastai does: one epoch for the last group alone, then `epochs` for all groups, both with one cycle of the
    /// learning rate. The first epoch has a rate of 2e-3; after it the last group has half of it, the first one a hundredth of that, and those between
    /// them are spread.
    ///
    /// Returns the report of the second part.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and if the learner has only one group of parameters.
    pub fn fine_tune(&mut self, epochs: usize) -> Result<Report, Error> {
        self.fine_tune_with(epochs, 2e-3, 1)
    }

    /// The same with a rate and a number of epochs for the first part of your own.
    ///
    /// # Errors
    /// As for [`fine_tune`](Self::fine_tune).
    pub fn fine_tune_with(&mut self, epochs: usize, lr: f64, frozen_epochs: usize) -> Result<Report, Error> {
        let last = self.params().groups().last().cloned().unwrap_or_default();
        self.freeze_to(&last)?;
        self.fit_one_cycle_with(OneCycle::default().pct_start(0.99), frozen_epochs, lr)?;
        self.unfreeze();
        let lr = lr / 2.0;
        let cycle = OneCycle::default().pct_start(0.3).div_start(5.0);
        self.fit_one_cycle_with(cycle, epochs, Lr::spread(lr / 100.0, lr))
    }
}
