//! The smoothed training loss.

use tch::{TchError, Tensor};

use super::{ReadError, series::Shared};
use crate::batch::Scalars;

/// The training loss, smoothed over batches like fastai v1's `SmoothenValue`: an exponential mean with β 0.98, corrected for
/// its start at zero.
#[derive(Debug, Default)]
pub(crate) struct SmoothLoss {
    pub(super) new: Scalars,
    pub(super) mean: f64,
    pub(super) count: usize,
    /// After how many losses the value is needed later, and those of these values that are known.
    pub(super) marks: Vec<usize>,
    pub(super) marked: Vec<f64>,
}

const BETA: f64 = 0.98;

impl SmoothLoss {
    pub(crate) fn push(&mut self, loss: &Tensor) -> Result<(), TchError> {
        self.new.push(loss)
    }

    /// Marks the current value, which is needed later: an epoch is over.
    pub(crate) fn mark(&mut self) {
        self.marks.push(self.count + self.new.len());
    }

    /// The values at the marks, in their order.
    pub(crate) fn at_marks(&mut self) -> Result<Vec<f64>, TchError> {
        self.value()?;
        Ok(std::mem::take(&mut self.marked))
    }

    /// The current value; NaN before the first loss.
    pub(crate) fn value(&mut self) -> Result<f64, TchError> {
        let mut new = std::mem::take(&mut self.new);
        for loss in new.values()? {
            self.pass_marks();
            self.add(*loss);
        }
        self.pass_marks();
        new.clear();
        self.new = new;
        Ok(self.corrected())
    }

    fn add(&mut self, loss: f64) {
        self.mean = BETA * self.mean + (1.0 - BETA) * loss;
        self.count += 1;
    }

    /// The values after each of these losses.
    pub(crate) fn after_each(losses: &[f64]) -> Vec<f64> {
        let mut smooth = Self::default();
        let after = |loss: &f64| {
            smooth.add(*loss);
            smooth.corrected()
        };
        losses.iter().map(after).collect()
    }

    /// Continues from another value, as if the losses so far had led to it.
    fn set(&mut self, value: f64) -> Result<(), TchError> {
        self.value()?;
        self.mean = value * (1.0 - BETA.powf(self.count as f64));
        Ok(())
    }

    fn pass_marks(&mut self) {
        while self.marks.get(self.marked.len()) == Some(&self.count) {
            self.marked.push(self.corrected());
        }
    }

    fn corrected(&self) -> f64 {
        self.mean / (1.0 - BETA.powf(self.count as f64))
    }
}

/// The smoothed training loss, from which `smooth_loss` and `train_loss` are read, as a callback may change it:
/// `running_loss: &mut RunningLoss`.
///
/// A callback that trains with other processes sets it to their average after each step of the optimizer. All of them then have
/// the numbers of all.
///
/// ```
/// use mixup::prelude::*;
///
/// /// The other process, which always has a loss of 1.
/// fn average(own: f64) -> f64 {
///     (own + 1.0) / 2.0
/// }
///
/// #[callback(on_backward_end)]
/// fn share(running_loss: &mut RunningLoss) -> Result<(), ReadError> {
///     let own = running_loss.get()?;
///     running_loss.set(average(own))
/// }
/// # let _ = share;
/// ```
#[derive(Debug)]
pub struct RunningLoss(Shared<SmoothLoss>);

impl RunningLoss {
    pub(crate) fn new() -> Self {
        Self(Shared::default())
    }

    pub(crate) fn shared(&self) -> Shared<SmoothLoss> {
        self.0.clone()
    }

    /// Its value, with the loss of the current batch: waits for the device. NaN before the first batch.
    ///
    /// # Errors
    /// What libtorch says when the device has failed.
    pub fn get(&self) -> Result<f64, ReadError> {
        self.0.lock().value().map_err(failed)
    }

    /// Continues from this value: the next losses are added to it as they would have been to the old one. Does nothing before
    /// the first batch.
    ///
    /// # Errors
    /// As for [`get`](Self::get): the losses so far are read first.
    pub fn set(&mut self, value: f64) -> Result<(), ReadError> {
        self.0.lock().set(value).map_err(failed)
    }
}

fn failed(source: TchError) -> ReadError {
    ReadError::new("smooth_loss", source)
}
