//! Stochastic gradient descent, with momentum.
//!
//! Source: PyTorch's `torch.optim.SGD`, whose momentum buffer begins with the first gradient.

use tch::TchError;

use super::{Hyper, Hypers, Optimizer, SettingError, Slots, setting};
use crate::{
    model::Params,
    state::{State, StateError, Stateful},
};

/// Stochastic gradient descent. By default without momentum and weight decay.
#[derive(Debug)]
pub struct Sgd {
    hypers: Hypers,
    nesterov: bool,
    slots: Slots,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { hypers: Hypers::new(Hyper::new(0.0, 0.0)), nesterov: false, slots: Slots::new(&["momentum_buffer"]) }
    }
}

impl Sgd {
    /// Sets the momentum; 0.9 is usual.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.hypers.set_momentum(momentum);
        self
    }

    /// Sets whether to use Nesterov momentum, which looks ahead.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    /// Sets the weight decay, which is added to the gradient.
    #[must_use]
    pub fn wd(mut self, weight_decay: f64) -> Self {
        self.hypers.set_weight_decay(weight_decay);
        self
    }
}

impl Optimizer for Sgd {
    fn step(&mut self, params: &Params) -> Result<(), TchError> {
        let nesterov = self.nesterov;
        self.slots.step(params, &self.hypers, |param, grad, slot, Hyper { lr, momentum, weight_decay }| {
            let mut update = grad.shallow_clone();
            if weight_decay != 0.0 {
                update = update.f_add(&param.f_mul_scalar(weight_decay)?)?;
            }
            if momentum != 0.0 {
                let [buffer] = &mut slot.tensors[..] else { return Ok(()) };
                let _ = buffer.f_mul_scalar_(momentum)?.f_add_(&update)?;
                update = if nesterov { update.f_add(&buffer.f_mul_scalar(momentum)?)? } else { buffer.shallow_clone() };
            }
            let _ = param.f_sub_(&update.f_mul_scalar(lr)?)?;
            Ok(())
        })
    }

    fn hypers(&self) -> &Hypers {
        &self.hypers
    }

    fn hypers_mut(&mut self) -> &mut Hypers {
        &mut self.hypers
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }

    fn check(&self) -> Result<(), SettingError> {
        self.hypers.check()?;
        self.hypers.check_each(|&Hyper { momentum, .. }| {
            setting("momentum", momentum, !self.nesterov || momentum > 0.0, "above 0 for Nesterov momentum")
        })
    }

    fn describe(&self) -> String {
        let (Hyper { momentum, weight_decay, .. }, nesterov) =
            (self.hypers.last(), if self.nesterov { " (Nesterov)" } else { "" });
        format!("Sgd(momentum {momentum}{nesterov}, weight decay {weight_decay})")
    }
}

impl Stateful for Sgd {
    fn save(&self) -> Result<State, StateError> {
        self.slots.save("Sgd", &self.hypers)?.with("nesterov", &self.nesterov)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (slots, hypers) = self.slots.load("Sgd", &self.hypers, state)?;
        *self = Self { hypers, nesterov: state.field("nesterov")?, slots };
        Ok(())
    }
}
