//! A file of JSON objects, one in each line.

use std::{io, path::PathBuf, time::Duration};

use mixup_macros::callback;
use serde_json::{Map, Value as Json};
use tch::Tensor;

use super::{LrFinder, lines::Lines, logged};
use crate::{
    error::BoxError,
    files::FileError,
    optim::Optimizer,
    training::{Values, World},
};

/// Writes a JSON object in a line of its own for each epoch, and for every so many training batches if asked.
///
/// That of an epoch has `epoch`, `train_loss`, `valid_loss`, each metric, each value that callbacks publish, and `time` in seconds. That of a
/// batch has `epoch`, `batch`, `iteration`, `loss`, `lr` (an object with the rate of each group of parameters), and the last number of each value
/// that callbacks have published in the epoch. JSON has no NaN and no infinity: they are `null`. What an epoch does not have is left out.
///
/// Each line is in the file at once. Each training begins the file anew. One that goes on from a checkpoint goes on after the lines that
/// the file had at the checkpoint. A sweep over learning rates writes nothing. Of several processes that train together, the first one writes.
#[derive(Debug)]
pub struct JsonLines {
    file: Lines,
    every: usize,
    append: bool,
}

impl JsonLines {
    /// Writes into this file, which is created, as is its folder: `"log.jsonl"`.
    #[must_use]
    pub fn to(path: impl Into<PathBuf>) -> Self {
        Self { file: Lines::new(path.into()), every: usize::MAX, append: false }
    }

    /// Writes a line for one training batch in so many too, which waits for the device then.
    #[must_use]
    pub fn every_batches(self, batches: usize) -> Self {
        Self { every: batches, ..self }
    }

    /// Keeps the lines of earlier trainings.
    #[must_use]
    pub fn append(self) -> Self {
        Self { append: true, ..self }
    }

    fn write(&mut self, object: &Map<String, Json>) -> Result<(), FileError> {
        let line = serde_json::to_vec(object).map_err(io::Error::from);
        let line = line.map_err(|source| FileError::Write { path: self.file.path().to_owned(), source })?;
        self.file.write(&[line, vec![b'\n']].concat())
    }
}

/// An object in which a name is in its first place.
fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Json)>) -> Map<String, Json> {
    let mut object = Map::new();
    for (name, value) in fields {
        object.entry(name).or_insert(value);
    }
    object
}

#[callback(crate = crate, describe(file), state(file))]
impl JsonLines {
    fn on_train_begin(&mut self, resumed: bool, world: World, finder: Option<&LrFinder>) -> Result<(), FileError> {
        let writes = finder.is_none() && world.is_first();
        if writes { self.file.begin(resumed, self.append).map(|_| ()) } else { Ok(()) }
    }

    #[on(batch_end, train, every = self.every)]
    fn write_batch(
        &mut self,
        epoch: usize,
        num_batch: usize,
        iteration: usize,
        last_loss: &Tensor,
        opt: &dyn Optimizer,
        values: &Values,
    ) -> Result<(), BoxError> {
        let lrs = object(opt.hypers().iter().map(|(group, hyper)| (group, hyper.lr.into())));
        let counts = [("epoch", epoch.into()), ("batch", num_batch.into()), ("iteration", iteration.into())];
        let step = [("loss", last_loss.f_double_value(&[])?.into()), ("lr", lrs.into())];
        let values = logged::of_batch(values)?.into_iter().map(|(name, number)| (name, number.into()));
        Ok(self.write(&object(counts.into_iter().chain(step).chain(values)))?)
    }

    fn on_epoch_end(
        &mut self,
        epoch: usize,
        train_loss: f64,
        valid_loss: Option<f64>,
        values: &Values,
        epoch_time: Duration,
    ) -> Result<(), BoxError> {
        let numbers = logged::of_epoch(values, train_loss, valid_loss)?.into_iter();
        let numbers = numbers.filter_map(|(name, number)| Some((name, number?.into())));
        let time = (epoch_time.as_secs_f64() * 1e3).round() / 1e3;
        let fields = [("epoch", epoch.into())].into_iter().chain(numbers).chain([("time", time.into())]);
        Ok(self.write(&object(fields))?)
    }

    fn on_train_end(&mut self) {
        self.file.end();
    }
}
