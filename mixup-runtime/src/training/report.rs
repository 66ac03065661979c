//! The report of a training: fastai's table, as data.

use std::{fmt, time::Duration};

use super::{Outcome, Table};
use crate::plots::Chart;

/// The report of a finished epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// The epoch, counted from 0.
    pub epoch: usize,
    /// The smoothed training loss at its end; NaN if no batch was trained.
    pub train_loss: f64,
    /// The validation loss, averaged over the items.
    pub valid_loss: Option<f64>,
    /// The metrics on the validation data, in the order of the report's names; NaN without validation.
    pub metrics: Vec<f64>,
    /// The values that callbacks published, in the order of the report's names: the mean over the epoch; NaN if one was not set.
    pub values: Vec<f64>,
    /// How long the epoch took, including validation.
    pub time: Duration,
}

/// The report of a training; returned by [`fit`](crate::learner::Learner::fit).
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The metrics' names.
    pub metric_names: Vec<String>,
    /// The names of the values that callbacks published.
    pub value_names: Vec<String>,
    /// The finished epochs.
    pub epochs: Vec<EpochReport>,
    /// How the training ended.
    pub outcome: Outcome,
}

impl Report {
    /// The last finished epoch.
    #[must_use]
    pub fn last(&self) -> Option<&EpochReport> {
        self.epochs.last()
    }

    /// The mean over the last epoch of a value that a callback published.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        let index = self.value_names.iter().position(|known| known == name)?;
        self.last()?.values.get(index).copied()
    }

    /// The training loss and the validation loss of each epoch as a plot: `report.plot_losses().save("losses.png")?`.
    #[must_use]
    pub fn plot_losses(&self) -> Chart {
        let train = self.over_epochs(|epoch| Some(epoch.train_loss));
        let valid = self.over_epochs(|epoch| epoch.valid_loss);
        Chart::new("epoch", "loss").line("training, smoothed", train).line("validation", valid)
    }

    /// The metrics of each epoch as a plot: fastai's `plot_metrics`.
    #[must_use]
    pub fn plot_metrics(&self) -> Chart {
        let metrics = self.metric_names.iter().enumerate();
        let y = if let [only] = &self.metric_names[..] { only } else { "metric" };
        metrics.fold(Chart::new("epoch", y), |chart, (at, name)| {
            chart.line(name, self.over_epochs(|epoch| epoch.metrics.get(at).copied()))
        })
    }

    fn over_epochs(&self, number: impl Fn(&EpochReport) -> Option<f64>) -> Vec<(f64, f64)> {
        let points = self.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, number(epoch)?)));
        points.collect()
    }

    /// The last value of a metric.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        let index = self.metric_names.iter().position(|known| known == name)?;
        self.last()?.metrics.get(index).copied()
    }
}

/// Shows fastai's table: `epoch  train_loss  valid_loss  accuracy  time`, with a column for each published value before the time.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = Table::new(self.metric_names.iter().chain(&self.value_names).map(String::as_str));
        write!(f, "{}", table.header())?;
        for epoch in &self.epochs {
            let EpochReport { epoch, train_loss, valid_loss, metrics, values, time } = epoch;
            let numbers = metrics.iter().chain(values).copied();
            write!(f, "\n{}", table.row(*epoch, *train_loss, *valid_loss, numbers, *time))?;
        }
        Ok(())
    }
}
