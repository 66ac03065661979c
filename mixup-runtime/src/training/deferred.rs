//! The numbers that a training measures, and the values that an event reads from them only when a callback asks: reading waits for the
//! device.

use std::time::Duration;

use tch::TchError;

use super::{
    ReadError,
    series::{Series, Shared},
    smooth::SmoothLoss,
};

/// The measurements of an epoch.
#[derive(Default)]
pub(crate) struct EpochRecord {
    pub epoch: usize,
    /// The measurements of the validation at its end, if there was one.
    pub measured: Option<Measured>,
    /// The values that callbacks have published, in the order of the board.
    pub published: Vec<Shared<Series>>,
    /// How long the epoch took; `None` while it runs.
    pub time: Option<Duration>,
}

/// The loss and the metrics that a validation collects.
#[derive(Clone, Default)]
pub(crate) struct Measured {
    pub loss: Shared<Series>,
    pub metrics: Vec<Shared<Series>>,
}

impl Measured {
    pub(crate) fn new(metrics: usize) -> Self {
        Self { loss: Shared::default(), metrics: (0..metrics).map(|_| Shared::default()).collect() }
    }

    /// Appends what another one has measured.
    pub(crate) fn append(&self, other: &Self) -> Result<(), TchError> {
        let pairs = self.metrics.iter().zip(&other.metrics).chain([(&self.loss, &other.loss)]);
        pairs.into_iter().try_for_each(|(all, series)| all.lock().append(&mut series.lock()))
    }

    /// One mean for each metric; NaN if nothing was measured.
    pub(crate) fn means(&self) -> Result<Vec<f64>, TchError> {
        self.metrics.iter().map(|metric| Ok(metric.lock().mean()?.unwrap_or(f64::NAN))).collect()
    }
}

/// What an event reads deferred values from. Each method has the name of the value that it reads, and takes the one that the state holds.
pub(crate) struct Deferred<'a> {
    pub smooth: &'a Shared<SmoothLoss>,
    /// The validation whose numbers the hook has.
    pub measured: Option<&'a Measured>,
    /// Where the metrics are kept while they are borrowed.
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

    /// The metrics are borrowed for as long as the event, so they are read once.
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
