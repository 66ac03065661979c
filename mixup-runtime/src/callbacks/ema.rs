//! An exponential moving average of the weights.
//!
//! Source: Polyak and Juditsky, SIAM J. Control Optim. 30 (1992); the warm-up is that of TensorFlow's `ExponentialMovingAverage`.

use std::mem;

use mixup_macros::callback;
use tch::TchError;

use super::weights::{Weights, copied, put};
use crate::model::Params;

/// Averages the weights after each step of the optimizer, parameters and buffers: `average = decay · average + (1 − decay) · weights`.
///
/// Validations in a training see the averaged weights, and the model gets them when training ends, so it is saved as it was validated. Each training
/// begins a new average.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    warm_up: bool,
    at_end: bool,
    average: Weights,
    /// The weights that are trained, while the model has the averaged ones.
    trained: Weights,
    steps: usize,
}

impl Ema {
    /// An average that keeps `decay` of itself in each step: 0.999 or 0.9999 for a training of many steps.
    #[must_use]
    pub fn new(decay: f64) -> Self {
        Self { decay, warm_up: false, at_end: true, average: Weights::new(), trained: Weights::new(), steps: 0 }
    }

    /// Begins with a small decay, the smaller one of `decay` and `(1 + steps) / (10 + steps)`, so that the first weights are soon forgotten.
    #[must_use]
    pub fn warm_up(self) -> Self {
        Self { warm_up: true, ..self }
    }

    /// Whether the model gets the averaged weights when training ends. Defaults to true.
    #[must_use]
    pub fn at_end(self, at_end: bool) -> Self {
        Self { at_end, ..self }
    }

    /// Puts the averaged weights into the model and returns its own; `None` if there is no average yet.
    pub(super) fn exchange(&self, params: &Params) -> Result<Option<Weights>, TchError> {
        if self.average.is_empty() {
            return Ok(None);
        }
        let own = copied(params)?;
        put(params, &self.average)?;
        Ok(Some(own))
    }
}

#[callback(crate = crate, describe(decay, warm_up), state(average, trained, steps))]
impl Ema {
    fn on_train_begin(&mut self, params: &Params, resumed: bool) -> Result<(), TchError> {
        if !resumed || self.average.is_empty() {
            (self.average, self.steps) = (copied(params)?, 0);
        }
        Ok(())
    }

    #[on(step_end, if = stepped)]
    fn average(&mut self, params: &Params) -> Result<(), TchError> {
        self.steps += 1;
        let steps = self.steps as f64;
        let decay = if self.warm_up { self.decay.min((1.0 + steps) / (10.0 + steps)) } else { self.decay };
        tch::no_grad(|| {
            for (name, now) in params.variables() {
                let Some(average) = self.average.get_mut(&name) else { continue };
                if average.is_floating_point() {
                    let _ = average.f_lerp_(&now, 1.0 - decay)?;
                } else {
                    average.f_copy_(&now)?;
                }
            }
            Ok(())
        })
    }

    #[on(validate_begin, if = epochs > 0)]
    fn put_in(&mut self, params: &Params) -> Result<(), TchError> {
        self.trained = self.exchange(params)?.unwrap_or_default();
        Ok(())
    }

    #[on(validate_end, always)]
    fn give_back(&mut self, params: &Params) -> Result<(), TchError> {
        put(params, &mem::take(&mut self.trained))
    }

    fn on_train_end(&mut self, params: &Params) -> Result<(), TchError> {
        let average = mem::take(&mut self.average);
        if self.at_end { put(params, &average) } else { Ok(()) }
    }
}
