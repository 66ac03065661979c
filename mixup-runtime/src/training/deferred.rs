//! The numbers that a training measures of itself, and the values that an event reads of them when somebody asks: reading waits for the
//! device.

use std::time::Duration;

use tch::TchError;

use super::{
    ReadError,
    series::{Series, Shared},
    smooth::SmoothLoss,
};

/// What an epoch has measured.
pub(crate) struct EpochRecord {
    pub epoch: usize,
    /// Of the validation at its end, if there was one.
    pub measured: Option<Measured>,
    /// What callbacks have published, in the order of the board.
    pub published: Vec<Shared<Series>>,
    /// How long it took; `None` while it is under way.
    pub time: Option<Duration>,
}

/// What a validation adds up.
#[derive(Clone)]
pub(crate) struct Measured {
    pub loss: Shared<Series>,
    pub metrics: Vec<Shared<Series>>,
}

impl Measured {
    pub(crate) fn new(metrics: usize) -> Self {
        Self { loss: Shared::default(), metrics: (0..metrics).map(|_| Shared::default()).collect() }
    }

    /// One mean for each metric; NaN if nothing was measured.
    pub(crate) fn means(&self) -> Result<Vec<f64>, TchError> {
        self.metrics.iter().map(|metric| Ok(metric.lock().mean()?.unwrap_or(f64::NAN))).collect()
    }
}

/// What an event reads deferred values from. A method here is called as the value that it reads, and is given the one that stands there.
pub(crate) struct Deferred<'a> {
    pub smooth: &'a Shared<SmoothLoss>,
    /// The validation whose numbers the hook has.
    pub measured: Option<&'a Measured>,
    /// Where the metrics stay for as long as they are borrowed.
    pub means: Option<&'a mut Vec<f64>>,
}

impl<'a> Deferred<'a> {
    pub(crate) fn smooth_loss(&mut self, _: f64) -> Result<f64, ReadError> {
        self.smooth.lock().value().map_err(|source| ReadError::new("smooth_loss", source))
    }

    pub(crate) fn train_loss(&mut self, _: f64) -> Result<f64, ReadError> {
        self.smooth.lock().value().map_err(|source| ReadError::new("train_loss", source))
    }

    pub(crate) fn valid_loss(&mut self, _: Option<f64>) -> Result<Option<f64>, ReadError> {
        let mean = self.measured.map_or(Ok(None), |measured| measured.loss.lock().mean());
        mean.map_err(|source| ReadError::new("valid_loss", source))
    }

    /// Borrowed for as long as the event, so read once.
    pub(crate) fn last_metrics(&mut self, read: &'a [f64]) -> Result<&'a [f64], ReadError> {
        let Some(means) = self.means.take() else { return Ok(read) };
        if let Some(measured) = self.measured {
            *means = measured.means().map_err(|source| ReadError::new("last_metrics", source))?;
        } else {
            means.fill(f64::NAN);
        }
        Ok(means)
    }
}
