//! Numbers that a training measures. They stay on the device until somebody reads them: reading one waits for everything that the device
//! still has to do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tch::{TchError, Tensor};

use crate::batch::Scalars;

/// Shares numbers between several owners, so that they are read from the device once.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The numbers of an epoch, or of a pass over the validation data, in the order in which they were pushed, each with a weight.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(super) numbers: Scalars,
    pub(super) weights: Vec<usize>,
}

impl Series {
    pub(crate) fn push(&mut self, number: &Tensor, weight: usize) -> Result<(), TchError> {
        self.numbers.push(number)?;
        self.weights.push(weight);
        Ok(())
    }

    /// Appends the numbers of another series.
    pub(crate) fn append(&mut self, other: &mut Self) -> Result<(), TchError> {
        let numbers = [self.numbers.values()?, other.numbers.values()?].concat();
        self.numbers = Scalars::of(numbers);
        self.weights.extend(&other.weights);
        Ok(())
    }

    /// All numbers.
    pub(crate) fn numbers(&mut self) -> Result<&[f64], TchError> {
        self.numbers.values()
    }

    /// The number that was pushed last; `None` if there is none yet.
    pub(crate) fn last(&mut self) -> Result<Option<f64>, TchError> {
        Ok(self.numbers.values()?.last().copied())
    }

    /// The weighted mean; `None` if there is no number yet.
    pub(crate) fn mean(&mut self) -> Result<Option<f64>, TchError> {
        let total: usize = self.weights.iter().sum();
        let weighted = self.numbers.values()?.iter().zip(&self.weights);
        let sum: f64 = weighted.map(|(number, weight)| number * *weight as f64).sum();
        Ok((total > 0).then(|| sum / total as f64))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }
}
