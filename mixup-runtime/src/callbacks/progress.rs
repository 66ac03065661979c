//! fastai's table as training goes on, and below it a bar for the training and one for the epoch in progress.

mod bar;
mod line;

use std::{io::Write as _, time::Duration};

use mixup_macros::callback;

use self::bar::Bar;
use crate::{
    batch::Input,
    callbacks::LrFinder,
    training::{ReadError, Table, Value, Values},
};

/// Prints a row for each epoch on the standard output. Every learner has it unless it is quiet.
///
/// On a terminal a line below the table has a bar for the training and one for the epoch in progress, with the smoothed loss, the items in a second, and
/// the times so far and left. It leaves out what does not fit, and has no colours. The loss is read from the device twice a second. If the
/// standard error is no terminal, there is only the table, as plain lines.
///
/// When the standard error is a terminal, the first training adds to the process's panic hook: a bar that is shown is cleared
/// before a panic's message is printed. A signal that ends the training replaces the bar with a line that says that the training stops after this
/// batch.
#[derive(Debug)]
pub struct Progress {
    table: Table,
    bar: Option<Bar>,
    /// Whether this training looks for a learning rate, and so has no table.
    sweeps: bool,
    signals: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { table: Table::default(), bar: None, sweeps: false, signals: true }
    }
}

impl Progress {
    /// Whether it shows that a signal, as that of Ctrl-C, ends the training. Defaults to true. A learner that does not
    /// [handle signals](crate::learner::LearnerBuilder::handle_signals) has one that does not.
    #[must_use]
    pub fn handle_signals(self, handle: bool) -> Self {
        Self { signals: handle, ..self }
    }
}

/// Prints a line on the standard output. A closed standard output is not a reason to end a training.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[callback(crate = crate, order = 1000, stateless)]
impl Progress {
    fn on_train_begin(&mut self, epochs: usize, metric_names: &[String], values: &Values, finder: Option<&LrFinder>) {
        self.sweeps = finder.is_some();
        if epochs > 0 && !self.sweeps {
            self.table = Table::new(metric_names.iter().map(String::as_str).chain(values.published().map(Value::name)));
            print(&self.table.header());
        }
        self.bar = Bar::begin(self.signals, (epochs > 0 && !self.sweeps).then_some(epochs));
    }

    /// A validation outside of a training has its own bar.
    #[on(validate_begin, if = epochs == 0)]
    fn begin_alone(&mut self) {
        self.bar = Bar::begin(self.signals, None);
    }

    fn on_batch_begin(&mut self, num_batch: usize, batches: usize, train: bool, epoch: usize) {
        if let Some(bar) = &self.bar {
            bar.enter(if train { "train" } else { "valid" }, batches, num_batch, epoch);
        }
    }

    #[on(predict_batch_begin, first, if = batches > 1)]
    fn begin_predictions(&mut self, batches: usize) {
        self.bar = Bar::begin(self.signals, None);
        if let Some(bar) = &self.bar {
            bar.enter("predict", batches, 0, 0);
        }
    }

    #[on(batch_end, train, if = self.bar.as_ref().is_some_and(Bar::wants_loss))]
    fn show_loss(&mut self, smooth_loss: f64) {
        if let Some(bar) = &self.bar {
            bar.set_loss(smooth_loss);
        }
    }

    #[on(batch_end, predict_batch_end)]
    fn advance(&mut self, last_input: &Input) {
        if let Some(bar) = &self.bar {
            bar.advance(last_input.items());
        }
    }

    #[on(validate_end, always, if = epochs == 0)]
    fn end_alone(&mut self) {
        self.bar = None;
    }

    #[on(predict_end, always)]
    fn end_predictions(&mut self) {
        self.bar = None;
    }

    fn on_epoch_end(
        &mut self,
        epoch: usize,
        train_loss: f64,
        valid_loss: Option<f64>,
        last_metrics: &[f64],
        values: &Values,
        epoch_time: Duration,
    ) -> Result<(), ReadError> {
        if self.sweeps {
            return Ok(());
        }
        if let Some(bar) = &self.bar {
            bar.clear();
        }
        let published = values.published().map(|value| Ok(value.mean()?.unwrap_or(f64::NAN)));
        let published: Vec<f64> = published.collect::<Result<_, ReadError>>()?;
        let numbers = last_metrics.iter().copied().chain(published);
        print(&self.table.row(epoch, train_loss, valid_loss, numbers, epoch_time));
        Ok(())
    }

    fn on_train_end(&mut self) {
        self.bar = None;
    }
}
