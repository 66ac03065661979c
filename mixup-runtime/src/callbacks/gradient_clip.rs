//! Gradients of a bounded size.

use mixup_macros::callback;

use super::Accumulate;
use crate::model::{GradientError, Gradients};

/// Bounds the gradients before each step of the optimizer: their norm, or each of their numbers. It does not wait for the device.
///
/// It runs after callbacks that change gradients, and with [`Accumulate`] only when there is a step.
#[derive(Debug)]
pub struct GradientClip {
    norm: Option<f64>,
    value: Option<f64>,
}

impl GradientClip {
    /// Scales all gradients so that their Euclidean norm, taken as one vector, is at most `max`, as `torch.nn.utils.clip_grad_norm_` does.
    #[must_use]
    pub fn norm(max: f64) -> Self {
        Self { norm: Some(max), value: None }
    }

    /// Bounds each number to `-max ..= max`, as `torch.nn.utils.clip_grad_value_` does.
    #[must_use]
    pub fn value(max: f64) -> Self {
        Self { norm: None, value: Some(max) }
    }
}

#[callback(crate = crate, order = -20, before = Accumulate, describe(norm, value))]
impl GradientClip {
    fn on_backward_end(&self, gradients: &Gradients, accumulate: Option<&Accumulate>) -> Result<(), GradientError> {
        if !accumulate.is_none_or(Accumulate::steps_now) {
            return Ok(());
        }
        if let Some(max) = self.norm {
            let _norm = gradients.clip_norm_tensor(max)?;
        }
        self.value.map_or(Ok(()), |max| gradients.clip_value(max))
    }
}
