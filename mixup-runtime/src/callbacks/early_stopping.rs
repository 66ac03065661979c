//! Stopping when a value has not improved for a while.

use mixup_macros::callback;

use super::{
    LrFinder,
    watched::{WatchError, Watched, watching},
};
use crate::{
    callback::StopTraining,
    training::{Monitored, Value, Values},
};

/// Ends the training when a value has not improved for some epochs: `EarlyStopping::on(accuracy).patience(3)`, `EarlyStopping::on("valid_loss")`.
#[derive(Debug)]
pub struct EarlyStopping {
    watched: Watched,
    patience: usize,
    best: Option<f64>,
    waited: usize,
}

watching!(EarlyStopping);

impl EarlyStopping {
    /// Watches a metric (`accuracy`), or a value by its name: `"valid_loss"`, or what a callback publishes.
    #[must_use]
    pub fn on<By>(value: impl Monitored<By>) -> Self {
        Self { watched: Watched::new(value), patience: 3, best: None, waited: 0 }
    }

    /// After how many epochs in a row without a better number the training ends. Defaults to 3; 0 is taken as 1.
    #[must_use]
    pub fn patience(self, epochs: usize) -> Self {
        Self { patience: epochs, ..self }
    }
}

#[callback(crate = crate, describe(watched, patience), state(best, waited))]
impl EarlyStopping {
    fn on_train_begin(&mut self, resumed: bool, values: &Values) -> Result<(), WatchError> {
        if !resumed {
            (self.best, self.waited) = (None, 0);
        }
        self.watched.check(values)
    }

    fn on_epoch_end(
        &mut self,
        #[name = self.watched.name] value: &Value,
        finder: Option<&LrFinder>,
    ) -> Result<Option<StopTraining>, WatchError> {
        if finder.is_some() {
            return Ok(None); // a sweep is no training to be judged
        }
        match self.watched.improves(value, &mut self.best)? {
            Some(true) => self.waited = 0,
            Some(false) => self.waited += 1,
            None => {}
        }
        let (name, best) = (&self.watched.name, self.best.unwrap_or(f64::NAN));
        let why =
            || StopTraining::because(format!("`{name}` has not improved on {best:.6} for {} epochs", self.waited));
        Ok((self.waited >= self.patience.max(1)).then(why))
    }
}
