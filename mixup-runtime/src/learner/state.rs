//! What a learner remembers from one training to the next, beside the model's parameters: saved and loaded, all of it or nothing.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use serde::{Deserialize, Serialize};

use super::Learner;
use crate::{
    data::Sampler as _,
    error::or_refusal,
    metrics::Metric as _,
    state::{State, StateError, Stateful},
};

/// What a learner remembers, by name.
///
/// - `life`: the seed, and the counts from which everything random follows.
/// - `callback/…`: the callbacks that have a state, by their names.
/// - `loss`, `metric/…`, `model`: the loss function, the metrics by their names, and the model beyond its parameters, if they have a state.
/// - `optimizer`: its settings and moments, if it has a state, as all optimizers here have.
/// - `step`: the training step, if it has a state.
/// - `sampler`: the sampler of the training data, if it has a state.
/// - `data/train`: a [`Stream`](crate::data::Stream) of training data.
///
/// The model's parameters are not in it, nor which of them are frozen: that is in [`Learner::params`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LearnerState(pub BTreeMap<String, State>);

impl Learner {
    /// What the learner remembers from one training to the next, beside the model's parameters.
    ///
    /// `serde` writes it to a file. A learner that is built in the same way, and gets the parameters and this state, continues as this one
    /// would: its next trainings give the same bits.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let learner = || -> Result<Learner, Box<dyn std::error::Error>> {
    ///     let data = ImageData::digits()?.build()?;
    ///     Ok(Learner::builder(data, |vs| simple_cnn(vs, &[1, 8, 10])).mixup().quiet().build()?)
    /// };
    /// let mut learn = learner()?;
    /// let state = learn.state()?;
    /// assert!(state.0.contains_key("life"));
    /// learner()?.load_state(&state)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StateError`]: a state that can't be saved, two states of one name. It says whose.
    pub fn state(&mut self) -> Result<LearnerState, StateError> {
        let mut states = BTreeMap::new();
        self.each_stateful(|name, it| match states.insert(name.to_owned(), or_refusal(|| State::of(it))?) {
            Some(_) => Err(StateError::Twice { name: name.to_owned() }),
            None => Ok(()),
        })?;
        Ok(LearnerState(states))
    }

    /// Takes over what another learner has remembered, or this one at another time: all of it, or nothing.
    ///
    /// In the next training, callbacks find `resumed` true.
    ///
    /// # Errors
    /// [`StateError`]: a state of something that this learner does not have, or something that has a state and finds none; a state of a newer
    /// version, or one that does not fit. The learner is then as it was before, and also after a panic in a `load` of your own.
    pub fn load_state(&mut self, saved: &LearnerState) -> Result<(), StateError> {
        let before = self.state()?;
        if let Some(name) = saved.0.keys().find(|name| !before.0.contains_key(*name)) {
            return Err(StateError::Unknown { name: name.clone(), has: before.0.into_keys().collect() });
        }
        if let Some(name) = before.0.keys().find(|name| !saved.0.contains_key(*name)) {
            return Err(StateError::Missing { name: name.clone(), saved: saved.0.keys().cloned().collect() });
        }
        self.each_stateful(|name, it| saved.0.get(name).map_or(Ok(()), |state| state.check_version(it)))?;
        match catch_unwind(AssertUnwindSafe(|| self.load_each(saved))) {
            Ok(Ok(())) => self.state.resumed = true,
            Ok(Err(error)) => {
                self.load_each(&before)?;
                return Err(error);
            }
            Err(panic) => {
                // What panicked may do so again. All that was loaded before it has then been restored.
                let _ = catch_unwind(AssertUnwindSafe(|| self.load_each(&before)));
                resume_unwind(panic);
            }
        }
        Ok(())
    }

    fn load_each(&mut self, states: &LearnerState) -> Result<(), StateError> {
        self.each_stateful(|name, it| states.0.get(name).map_or(Ok(()), |state| or_refusal(|| state.load_into(it))))
    }

    /// Visits all that has a state. An error of `visit` ends this, and says whose state it is about.
    fn each_stateful(
        &mut self,
        mut visit: impl FnMut(&str, &mut dyn Stateful) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let mut visit = |name: String, it: &mut dyn Stateful| {
            visit(&name, it).map_err(|source| match source {
                twice @ StateError::Twice { .. } => twice,
                source => StateError::Of { name, source: Box::new(source) },
            })
        };
        // In a training, callbacks may have replaced them.
        let (mut own_loss, mut own_sampler) =
            self.callbacks.own().map(|(loss, sampler)| (loss.clone(), sampler.clone())).unzip();
        let state = &mut self.state;
        visit("life".to_owned(), &mut state.life)?;
        let others = [
            ("loss", own_loss.as_mut().unwrap_or(&mut state.loss_func).stateful()),
            ("model", state.model.stateful()),
            ("optimizer", state.opt.stateful()),
            ("step", self.step.stateful()),
            ("sampler", own_sampler.as_mut().unwrap_or(&mut state.sampler).stateful()),
            ("data/train", state.data.train_mut().stateful()),
        ];
        for (name, it) in others {
            it.map_or(Ok(()), |it| visit(name.to_owned(), it))?;
        }
        for (name, metric) in &mut self.metrics {
            metric.stateful().map_or(Ok(()), |it| visit(format!("metric/{name}"), it))?;
        }
        self.callbacks.each_stateful(|name, it| visit(format!("callback/{name}"), it))
    }
}
