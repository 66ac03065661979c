//! The smoothed training loss.

use tch::{TchError, Tensor};

use crate::batch::Scalars;

/// The training loss, smoothed over batches like fastai v1's `SmoothenValue`: an exponential mean with β 0.98, corrected for
/// its start at zero.
#[derive(Default)]
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

    fn pass_marks(&mut self) {
        while self.marks.get(self.marked.len()) == Some(&self.count) {
            self.marked.push(self.corrected());
        }
    }

    fn corrected(&self) -> f64 {
        self.mean / (1.0 - BETA.powf(self.count as f64))
    }
}
