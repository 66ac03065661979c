//! fastai's table as training goes on, and a bar for the epoch in progress.

use std::{
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use mixup_macros::callback;

use crate::training::Table;

/// Prints a row for each epoch on the standard output, and on a terminal a bar while the epoch runs. Every learner has it
/// unless it is quiet.
#[derive(Debug, Default)]
pub struct Progress {
    table: Table,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A new bar for a pass over the data; none where nobody watches.
    fn begin_bar(&mut self, label: &'static str, batches: usize) {
        self.end_bar();
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(batches as u64).with_message(label);
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}<{eta}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar = Some(bar);
        }
    }

    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A line on the standard output; a reader who has gone away is no reason to end a training.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[callback(crate = crate, order = 1000)]
impl Progress {
    fn on_train_begin(&mut self, epochs: usize, metric_names: &[String]) {
        if epochs > 0 {
            self.table = Table::new(metric_names);
            print(&self.table.header());
        }
    }

    fn on_batch_begin(&mut self, num_batch: usize, batches: usize, train: bool) {
        if num_batch == 0 {
            self.begin_bar(if train { "train" } else { "valid" }, batches);
        }
    }

    fn on_batch_end(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn on_epoch_end(
        &mut self,
        epoch: usize,
        train_loss: f64,
        valid_loss: Option<f64>,
        last_metrics: &[f64],
        epoch_time: Duration,
    ) {
        self.end_bar();
        print(&self.table.row(epoch, train_loss, valid_loss, last_metrics, epoch_time));
    }

    fn on_train_end(&mut self) {
        self.end_bar();
    }
}
