//! Whether a checkpoint would have all that a learner remembers.

use super::super::Learner;
use crate::{data::Sampler, metrics::Metric, training::BuildError};

impl Learner {
    /// Refuses a callback, a step, a sampler or a metric of the whole set that may remember something and is not saved, if the learner has
    /// checkpoints.
    ///
    /// Models, loss functions and metrics of batches are not asked: they are called with `&self`.
    pub(in crate::learner) fn check_nothing_forgotten(&mut self) -> Result<(), BuildError> {
        if self.points.writer.is_none() {
            return Ok(());
        }
        if let Some(name) = self.callbacks.forgetful() {
            return Err(BuildError::ForgetfulCallback { name });
        }
        if !self.step.is_stateless() && self.step.stateful().is_none() {
            return Err(BuildError::Forgetful { what: "step", name: self.step.type_name() });
        }
        let sampler = &mut self.state.sampler;
        if !sampler.is_stateless() && sampler.stateful().is_none() {
            return Err(BuildError::Forgetful { what: "sampler", name: sampler.describe() });
        }
        for (name, metric) in &mut self.metrics {
            if metric.over_set().is_some() && metric.stateful().is_none() {
                return Err(BuildError::ForgetfulMetric { name: name.clone() });
            }
        }
        Ok(())
    }
}
