//! All values of a training, by name.

use std::cell::RefCell;

use tch::TchError;

use super::{
    IntoNumber, Measured, Value, Values,
    series::{Series, Shared},
    smooth::SmoothLoss,
};

/// The values of a training: its own numbers, the metrics, and what callbacks publish.
#[derive(Default)]
pub(crate) struct Board {
    pub values: Vec<RefCell<Value>>,
    /// The groups of values that instances ask for together.
    pub several: Vec<RefCell<Values>>,
}

/// The name of the validation loss.
pub(crate) const VALID_LOSS: &str = "valid_loss";

impl Board {
    /// The board at first: the training's own numbers and the metrics.
    pub(crate) fn new(smooth: &Shared<SmoothLoss>, metrics: &[(String, Option<bool>)]) -> Self {
        let mut board = Self::default();
        board.add(Value::smoothed("train_loss", smooth));
        board.add(Value::smoothed("smooth_loss", smooth));
        board.add(Value::measured(VALID_LOSS, Some(true)));
        for (name, less_is_better) in metrics {
            board.add(Value::measured(name, *less_is_better));
        }
        board
    }

    pub(crate) fn add(&mut self, value: Value) {
        self.values.push(RefCell::new(value));
    }

    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.values.iter().position(|value| value.borrow().name() == name)
    }

    /// A value by its name.
    pub(crate) fn get(&self, name: &str) -> Option<std::cell::Ref<'_, Value>> {
        Some(self.values.get(self.index(name)?)?.borrow())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.values.iter().map(|value| value.borrow().name().to_owned()).collect()
    }

    /// Sets a published value without waiting for the device; `None` if no value of this name is published.
    pub(crate) fn set(&self, name: &str, number: impl IntoNumber) -> Option<Result<(), TchError>> {
        let mut value = self.values.get(self.index(name)?)?.borrow_mut();
        value.of_epoch()?;
        value.set(number);
        Some(value.take_fault().map_or(Ok(()), Err))
    }

    /// All values.
    pub(crate) fn all(&self) -> Values {
        let values: Vec<_> = self.values.iter().map(RefCell::borrow).collect();
        Values::of(values.iter().map(|value| &**value))
    }

    /// Called after a validation: its loss and metrics are read from now on.
    pub(crate) fn measured(&self, measured: &Measured) {
        let of_metrics = self.values.iter().skip(3).zip(&measured.metrics);
        if let Some(loss) = self.index(VALID_LOSS) {
            self.values[loss].borrow().measure(&measured.loss);
        }
        for (value, metric) in of_metrics {
            value.borrow().measure(metric);
        }
    }

    /// Called when an epoch begins.
    pub(crate) fn begin_epoch(&self) {
        self.values.iter().for_each(|value| value.borrow().begin_epoch());
    }

    /// The names of the values that callbacks publish.
    pub(crate) fn published(&self) -> Vec<String> {
        let values = self.values.iter().map(RefCell::borrow);
        values.filter(|value| value.of_epoch().is_some()).map(|value| value.name().to_owned()).collect()
    }

    /// What callbacks have published in this epoch, in the order of [`published`](Self::published).
    pub(crate) fn of_epoch(&self) -> Vec<Shared<Series>> {
        self.values.iter().filter_map(|value| value.borrow().of_epoch()).collect()
    }

    /// Takes the error of a value that was set to something other than one number, with the value's name.
    pub(crate) fn take_fault(&self) -> Option<(String, TchError)> {
        self.values.iter().find_map(|value| {
            let value = value.borrow();
            Some((value.name().to_owned(), value.take_fault()?))
        })
    }
}
