//! The numbers that a training tells of itself. They stay on the device until somebody asks, or the training is over: reading one
//! is to wait for all that the device has still to do.

use std::time::Duration;

use tch::{TchError, Tensor};

use super::ReadError;
use crate::batch::Scalars;

/// What an epoch has to tell.
pub(crate) struct Told {
    pub epoch: usize,
    pub measured: Measured,
    /// How long it took; none while it is under way.
    pub time: Option<Duration>,
}

/// What a validation adds up; nothing where there was none.
pub(crate) struct Measured {
    pub loss: Weighted,
    pub metrics: Metrics,
}

impl Measured {
    pub(crate) fn new(metrics: usize) -> Self {
        let each = (0..metrics).map(|_| Weighted::default()).collect();
        Self { loss: Weighted::default(), metrics: Metrics { each, means: Vec::new() } }
    }
}

/// What each metric adds up, and what that comes to.
pub(crate) struct Metrics {
    each: Vec<Weighted>,
    means: Vec<f64>,
}

impl Metrics {
    pub(crate) fn push(&mut self, index: usize, value: &Tensor, items: usize) -> Result<(), TchError> {
        self.each.get_mut(index).map_or(Ok(()), |metric| metric.push(value, items))
    }

    /// One for each metric; NaN where nothing was measured.
    pub(crate) fn means(&mut self) -> Result<&[f64], TchError> {
        let mean = |metric: &mut Weighted| Ok(metric.mean()?.unwrap_or(f64::NAN));
        self.means = self.each.iter_mut().map(mean).collect::<Result<_, TchError>>()?;
        Ok(&self.means)
    }
}

/// What an event has at hand to make the values that cost something, each when somebody asks: these wait for the device.
/// A method here is called as the value that it makes, and is given the one that stands there.
pub(crate) struct Untold<'a> {
    smooth: &'a mut SmoothLoss,
    loss: Option<&'a mut Weighted>,
    metrics: Option<&'a mut Metrics>,
}

impl<'a> Untold<'a> {
    pub(crate) fn new(smooth: &'a mut SmoothLoss, told: Option<&'a mut Told>) -> Self {
        let (loss, metrics) = told.map(|Told { measured, .. }| (&mut measured.loss, &mut measured.metrics)).unzip();
        Self { smooth, loss, metrics }
    }

    pub(crate) fn smooth_loss(&mut self, _: f64) -> Result<f64, ReadError> {
        Ok(self.smooth.value()?)
    }

    pub(crate) fn train_loss(&mut self, _: f64) -> Result<f64, ReadError> {
        Ok(self.smooth.value()?)
    }

    pub(crate) fn valid_loss(&mut self, _: Option<f64>) -> Result<Option<f64>, ReadError> {
        Ok(self.loss.as_mut().map_or(Ok(None), |loss| loss.mean())?)
    }

    /// Lent for as long as the event, so made once.
    pub(crate) fn last_metrics(&mut self, made: &'a [f64]) -> Result<&'a [f64], ReadError> {
        Ok(self.metrics.take().map_or(Ok(made), |metrics| metrics.means())?)
    }
}

/// The training loss smoothed over batches, as fastai v1's `SmoothenValue`: an exponential mean with β 0.98, corrected for
/// its beginning at zero.
#[derive(Default)]
pub(crate) struct SmoothLoss {
    new: Scalars,
    mean: f64,
    count: usize,
    /// Behind how many losses its value is wanted later, and those of these that are known.
    marks: Vec<usize>,
    marked: Vec<f64>,
}

const BETA: f64 = 0.98;

impl SmoothLoss {
    pub(crate) fn push(&mut self, loss: &Tensor) -> Result<(), TchError> {
        self.new.push(loss)
    }

    /// The value as it is now will be wanted: an epoch is over.
    pub(crate) fn mark(&mut self) {
        self.marks.push(self.count + self.new.len());
    }

    /// The values at the marks, in their order.
    pub(crate) fn at_marks(&mut self) -> Result<Vec<f64>, TchError> {
        self.value()?;
        Ok(std::mem::take(&mut self.marked))
    }

    /// NaN before the first loss.
    pub(crate) fn value(&mut self) -> Result<f64, TchError> {
        let mut new = std::mem::take(&mut self.new);
        for loss in new.values()? {
            self.tell_marks();
            self.mean = BETA * self.mean + (1.0 - BETA) * loss;
            self.count += 1;
        }
        self.tell_marks();
        new.clear();
        self.new = new;
        Ok(self.corrected())
    }

    fn tell_marks(&mut self) {
        while self.marks.get(self.marked.len()) == Some(&self.count) {
            self.marked.push(self.corrected());
        }
    }

    fn corrected(&self) -> f64 {
        self.mean / (1.0 - BETA.powf(self.count as f64))
    }
}

/// A mean over items, of values that come a batch at a time.
#[derive(Default)]
pub(crate) struct Weighted {
    values: Scalars,
    items: Vec<usize>,
}

impl Weighted {
    pub(crate) fn push(&mut self, value: &Tensor, items: usize) -> Result<(), TchError> {
        self.values.push(value)?;
        self.items.push(items);
        Ok(())
    }

    /// None where nothing came.
    pub(crate) fn mean(&mut self) -> Result<Option<f64>, TchError> {
        let items: usize = self.items.iter().sum();
        let sum: f64 = self.values.values()?.iter().zip(&self.items).map(|(value, items)| value * *items as f64).sum();
        Ok((items > 0).then(|| sum / items as f64))
    }
}
