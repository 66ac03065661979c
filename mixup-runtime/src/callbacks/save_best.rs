//! The weights of the best epoch, kept and saved.

use std::{mem, path::PathBuf};

use mixup_macros::callback;
use tch::TchError;

use super::{
    Ema, LrFinder,
    watched::{WatchError, Watched, watching},
    weights::{Weights, copied, put},
};
use crate::{
    error::BoxError,
    model::Params,
    training::{Monitored, Value, Values, World},
};

/// Keeps the weights of the epoch in which a value was best: in a file with `to`, and in the model when training ends with `restore`. Of several
/// processes that train together, the first one writes the file.
///
/// With [`Ema`] these are the averaged weights, for which the value was measured. [`Checkpoints`](crate::learner::Checkpoints) with `keep_best` keeps the
/// whole training of that epoch.
#[derive(Debug)]
pub struct SaveBest {
    watched: Watched,
    path: Option<PathBuf>,
    restore: bool,
    best: Option<f64>,
    weights: Weights,
}

watching!(SaveBest);

impl SaveBest {
    /// Watches a metric (`accuracy`), or a value by its name: `"valid_loss"`, or what a callback publishes.
    #[must_use]
    pub fn on<By>(value: impl Monitored<By>) -> Self {
        Self { watched: Watched::new(value), path: None, restore: false, best: None, weights: Weights::new() }
    }

    /// Writes the weights into this file whenever they are better than before: atomically, as `learn.save` does.
    #[must_use]
    pub fn to(self, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Puts the best weights into the model when training ends, however it ends.
    #[must_use]
    pub fn restore(self) -> Self {
        Self { restore: true, ..self }
    }
}

#[callback(crate = crate, before = Ema, describe(watched, path, restore), state(best, weights))]
impl SaveBest {
    fn on_train_begin(&mut self, resumed: bool, values: &Values) -> Result<(), WatchError> {
        if !resumed {
            (self.best, self.weights) = (None, Weights::new());
        }
        self.watched.check(values)
    }

    fn on_epoch_end(
        &mut self,
        #[name = self.watched.name] value: &Value,
        params: &Params,
        world: World,
        ema: Option<&Ema>,
        finder: Option<&LrFinder>,
    ) -> Result<(), BoxError> {
        if finder.is_some() {
            return Ok(()); // a sweep is no training to be judged
        }
        if self.watched.improves(value, &mut self.best)? != Some(true) {
            return Ok(());
        }
        let own = ema.map_or(Ok(None), |ema| ema.exchange(params))?;
        let kept = self.keep(params, world);
        own.map_or(Ok(()), |own| put(params, &own))?;
        kept
    }

    fn on_train_end(&mut self, params: &Params) -> Result<(), TchError> {
        put(params, &mem::take(&mut self.weights))
    }
}

impl SaveBest {
    fn keep(&mut self, params: &Params, world: World) -> Result<(), BoxError> {
        if self.restore {
            self.weights = copied(params)?;
        }
        let path = self.path.as_ref().filter(|_| world.is_first());
        Ok(path.map_or(Ok(()), |path| params.save(path))?)
    }
}
