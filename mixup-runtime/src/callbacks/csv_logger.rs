//! A row of a CSV file for each epoch.

use std::{io, path::PathBuf, time::Duration};

use mixup_macros::callback;

use super::{LrFinder, lines::Lines, logged};
use crate::{
    error::BoxError,
    files::FileError,
    training::{Values, World},
};

/// Writes a row for each epoch into a CSV file: `epoch`, `train_loss`, `valid_loss`, each metric, each value that callbacks publish, and `time` in
/// seconds. What an epoch does not have is an empty cell.
///
/// Each row is in the file as soon as its epoch has ended. Each training begins the file anew. One that goes on from a checkpoint goes on
/// after the rows that the file had at the checkpoint. A sweep over learning rates writes nothing. Of several processes that train together, the
/// first one writes.
#[derive(Debug)]
pub struct CsvLogger {
    file: Lines,
    append: bool,
}

impl CsvLogger {
    /// Writes into this file, which is created, as is its folder: `"history.csv"`.
    #[must_use]
    pub fn to(path: impl Into<PathBuf>) -> Self {
        Self { file: Lines::new(path.into()), append: false }
    }

    /// Keeps the rows of earlier trainings, which must have the same columns.
    #[must_use]
    pub fn append(self) -> Self {
        Self { append: true, ..self }
    }

    fn row(&self, cells: impl IntoIterator<Item = String>) -> Result<Vec<u8>, FileError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = writer.write_record(cells).map_err(io::Error::from);
        let row = written.and_then(|()| writer.into_inner().map_err(|error| io::Error::other(error.to_string())));
        row.map_err(|source| FileError::Write { path: self.file.path().to_owned(), source })
    }
}

#[callback(crate = crate, describe(file), state(file))]
impl CsvLogger {
    fn on_train_begin(
        &mut self,
        resumed: bool,
        values: &Values,
        world: World,
        finder: Option<&LrFinder>,
    ) -> Result<(), BoxError> {
        if finder.is_some() || !world.is_first() {
            return Ok(());
        }
        let names = ["epoch"].into_iter().chain(logged::names(values)).chain(["time"]);
        let header = self.row(names.map(|name| name.replace(['\r', '\n'], " ")))?;
        let wanted = String::from_utf8_lossy(&header).trim_end().to_owned();
        match self.file.begin(resumed, self.append)? {
            Some(found) if found != wanted => {
                Err(ColumnsError { path: self.file.path().to_owned(), found, wanted }.into())
            }
            Some(_) => Ok(()),
            None => Ok(self.file.write(&header)?),
        }
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
        let numbers = numbers.map(|(_, number)| number.map_or_else(String::new, |number| number.to_string()));
        let time = format!("{:.3}", epoch_time.as_secs_f64());
        let row = self.row([epoch.to_string()].into_iter().chain(numbers).chain([time]))?;
        Ok(self.file.write(&row)?)
    }

    fn on_train_end(&mut self) {
        self.file.end();
    }
}

/// A file has other columns than the rows that are to be appended to it.
#[derive(thiserror::Error)]
#[error(
    "`{}` has the columns `{found}`, and this training writes `{wanted}`: choose another file, or move this one away", path.display()
)]
pub struct ColumnsError {
    /// The file.
    pub path: PathBuf,
    /// Its first line.
    pub found: String,
    /// The first line that it would have.
    pub wanted: String,
}

crate::error::debug_with_sources!(ColumnsError);
