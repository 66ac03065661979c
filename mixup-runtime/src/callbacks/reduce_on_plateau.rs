//! A smaller learning rate when a value has stopped to improve.
//!
//! Source: PyTorch's `ReduceLROnPlateau` with `threshold_mode="abs"` (`torch/optim/lr_scheduler.py`), whose patience is one less than here.

use mixup_macros::callback;

use super::{
    LrFinder,
    watched::{WatchError, Watched, watching},
};
use crate::{
    optim::Optimizer,
    training::{Monitored, Value, Values},
};

/// Multiplies the learning rates by a factor when a value has not improved for some epochs: `ReduceOnPlateau::on("valid_loss").patience(5)`.
#[derive(Debug)]
pub struct ReduceOnPlateau {
    watched: Watched,
    patience: usize,
    factor: f64,
    min_lr: f64,
    cooldown: usize,
    best: Option<f64>,
    waited: usize,
    cooling: usize,
}

watching!(ReduceOnPlateau);

impl ReduceOnPlateau {
    /// Watches a metric (`accuracy`), or a value by its name: `"valid_loss"`, or what a callback publishes.
    #[must_use]
    pub fn on<By>(value: impl Monitored<By>) -> Self {
        let watched = Watched::new(value);
        Self { watched, patience: 10, factor: 0.1, min_lr: 0.0, cooldown: 0, best: None, waited: 0, cooling: 0 }
    }

    /// After how many epochs in a row without a better number the rates are reduced. Defaults to 10; 0 is taken as 1.
    #[must_use]
    pub fn patience(self, epochs: usize) -> Self {
        Self { patience: epochs, ..self }
    }

    /// By what the rates are multiplied. Defaults to 0.1.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// The rate below which none is reduced. Defaults to 0.
    #[must_use]
    pub fn min_lr(self, min_lr: f64) -> Self {
        Self { min_lr, ..self }
    }

    /// For how many epochs after a reduction nothing is counted. Defaults to 0.
    #[must_use]
    pub fn cooldown(self, epochs: usize) -> Self {
        Self { cooldown: epochs, ..self }
    }
}

#[callback(crate = crate, describe(watched, patience, factor, min_lr, cooldown), state(best, waited, cooling))]
impl ReduceOnPlateau {
    fn on_train_begin(&mut self, resumed: bool, values: &Values) -> Result<(), WatchError> {
        if !resumed {
            (self.best, self.waited, self.cooling) = (None, 0, 0);
        }
        self.watched.check(values)
    }

    fn on_epoch_end(
        &mut self,
        #[name = self.watched.name] value: &Value,
        opt: &mut dyn Optimizer,
        finder: Option<&LrFinder>,
    ) -> Result<(), WatchError> {
        if finder.is_some() {
            return Ok(()); // a sweep is no training to be judged
        }
        let Some(improves) = self.watched.improves(value, &mut self.best)? else { return Ok(()) };
        self.waited = if improves || self.cooling > 0 { 0 } else { self.waited + 1 };
        self.cooling = self.cooling.saturating_sub(1);
        if self.waited >= self.patience.max(1) {
            for (_, hyper) in opt.hypers_mut().iter_mut() {
                hyper.lr = (hyper.lr * self.factor).max(self.min_lr.min(hyper.lr));
            }
            (self.waited, self.cooling) = (0, self.cooldown);
        }
        Ok(())
    }
}
