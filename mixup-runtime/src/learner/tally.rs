//! What a validation has measured, joined with what other processes have measured.

use super::{Learner, fit::Exit};
use crate::{
    callback::Hook,
    error::or_refusal,
    metrics::Metric as _,
    state::{State, StateError},
    training::{Error, Measured, Tally},
};

impl Learner {
    /// Lets callbacks join what a validation has measured with other measurements.
    pub(super) fn tally(&mut self, measured: Measured) -> Result<Measured, Exit> {
        if self.callbacks.serving(Hook::ValidateTally).next().is_none() {
            return Ok(measured);
        }
        let own = self.tallied(&measured);
        let own = own.map_err(|source| Error::Tally { at: self.state.at(), source: Box::new(source) })?;
        self.state.tally = Tally::new(own);
        // As in the other hooks of a validation; only its batches are without autograd.
        let asked = tch::with_grad(|| self.callbacks.on_validate_tally(&mut self.state));
        let joined = std::mem::take(&mut self.state.tally).into_joined();
        asked?.or_stop()?;
        joined.map_or(Ok(measured), |states| self.joined(&states))
    }

    /// What was measured, with the states of the metrics of the whole set.
    fn tallied(&mut self, measured: &Measured) -> Result<State, StateError> {
        let mut state = State::new().with_part(MEASURED, measured)?;
        for (name, metric) in &mut self.metrics {
            if metric.over_set().is_some() {
                state = state.with_part(&of_metric(name), &metric.stateful())?;
            }
        }
        Ok(state)
    }

    /// What is measured in all these states together.
    fn joined(&mut self, states: &[State]) -> Result<Measured, Exit> {
        self.reset_metrics();
        let at = self.state.at();
        let all = Measured::new(self.state.metric_names.len());
        for state in states {
            let failed = |source| Error::Tally { at, source: Box::new(source) };
            let mut measured = Measured::default();
            state.part(MEASURED).and_then(|part| part.load_into(&mut measured)).map_err(failed)?;
            all.append(&measured).map_err(|source| self.torch("joining what was measured", source))?;
            for (name, metric) in &mut self.metrics {
                let Some(metric) = metric.over_set() else { continue };
                let part = state.part(&of_metric(name)).map_err(failed)?;
                let merged = or_refusal(|| metric.merge(&part));
                merged.map_err(|source| Error::Metric { metric: name.clone(), at, source })?;
            }
        }
        Ok(all)
    }
}

const MEASURED: &str = "measured";

fn of_metric(name: &str) -> String {
    format!("metric/{name}")
}
