//! fastai's table, one line at a time.

use std::time::Duration;

/// The columns of the table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    names: Vec<String>,
}

impl Table {
    /// Creates a table with a column for each metric and each published value.
    pub(crate) fn new<'a>(numbers: impl IntoIterator<Item = &'a str>) -> Self {
        let names = ["epoch", "train_loss", "valid_loss"].map(str::to_owned).into_iter();
        Self { names: names.chain(numbers.into_iter().map(str::to_owned)).chain(["time".to_owned()]).collect() }
    }

    pub(crate) fn header(&self) -> String {
        self.line(&self.names)
    }

    pub(crate) fn row(
        &self,
        epoch: usize,
        train_loss: f64,
        valid_loss: Option<f64>,
        numbers: impl IntoIterator<Item = f64>,
        time: Duration,
    ) -> String {
        let mut cells = vec![epoch.to_string(), format!("{train_loss:.6}")];
        cells.push(valid_loss.map_or_else(String::new, |loss| format!("{loss:.6}")));
        cells.extend(numbers.into_iter().map(|number| format!("{number:.6}")));
        cells.push(format!("{:02}:{:02}", time.as_secs() / 60, time.as_secs() % 60));
        self.line(&cells)
    }

    /// A line whose cells are as wide as the names of their columns, and at least as wide as a number with six decimals.
    fn line(&self, cells: &[String]) -> String {
        let cells =
            cells.iter().zip(&self.names).map(|(cell, name)| format!("{cell:<width$}", width = name.len().max(8)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}
