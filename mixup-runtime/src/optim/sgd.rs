//! Stochastic gradient descent, with momentum.
//!
//! Source: PyTorch's `torch.optim.SGD`, whose momentum buffer begins with the first gradient.

#![allow(clippy::inline_always, reason = "only what is inlined into the kernel is compiled for wide registers")]

use tch::{TchError, Tensor};

use super::{
    Hyper, Hypers, Optimizer, SettingError, Slots, fraction_up_to_one,
    fused::{Real, Rule},
    setting,
};
use crate::{
    model::Params,
    state::{State, StateError, Stateful},
};

/// Stochastic gradient descent. By default without momentum and weight decay.
#[derive(Debug)]
pub struct Sgd {
    hypers: Hypers,
    dampening: f64,
    nesterov: bool,
    slots: Slots<1>,
}

impl Default for Sgd {
    fn default() -> Self {
        let (hypers, slots) = (Hypers::new(Hyper::new(0.0, 0.0)), Slots::new(["momentum_buffer"]));
        Self { hypers, dampening: 0.0, nesterov: false, slots }
    }
}

impl Sgd {
    /// Sets the momentum; 0.9 is usual.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.hypers.set_momentum(momentum);
        self
    }

    /// Sets the dampening: the part of each gradient after the first that the momentum leaves out.
    #[must_use]
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.dampening = dampening;
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
        let (dampening, nesterov) = (self.dampening, self.nesterov);
        self.slots.step(params, &self.hypers, |Hyper { lr, momentum, weight_decay }, steps| {
            let taken = if steps == 1 { 1.0 } else { 1.0 - dampening };
            Formula { lr, momentum, weight_decay, taken, nesterov }
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
        fraction_up_to_one("dampening", self.dampening)?;
        let without = !self.nesterov || self.dampening == 0.0;
        setting("dampening", self.dampening, without, "0 for Nesterov momentum")?;
        self.hypers.check_each(|&Hyper { momentum, .. }| {
            setting("momentum", momentum, !self.nesterov || momentum > 0.0, "above 0 for Nesterov momentum")
        })
    }

    fn describe(&self) -> String {
        let (Hyper { momentum, weight_decay, .. }, nesterov) =
            (self.hypers.last(), if self.nesterov { " (Nesterov)" } else { "" });
        let dampening = if self.dampening == 0.0 { String::new() } else { format!(", dampening {}", self.dampening) };
        format!("Sgd(momentum {momentum}{nesterov}{dampening}, weight decay {weight_decay})")
    }
}

impl Stateful for Sgd {
    fn save(&self) -> Result<State, StateError> {
        let state = self.slots.save("Sgd", &self.hypers)?;
        state.with("dampening", &self.dampening)?.with("nesterov", &self.nesterov)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (slots, hypers) = self.slots.load("Sgd", &self.hypers, state)?;
        let (dampening, nesterov) = (state.field("dampening")?, state.field("nesterov")?);
        *self = Self { hypers, dampening, nesterov, slots };
        Ok(())
    }
}

/// The formula of a step, with its settings.
struct Formula {
    lr: f64,
    momentum: f64,
    weight_decay: f64,
    /// The part of the gradient that the momentum takes: all of the first one, then what the dampening leaves.
    taken: f64,
    nesterov: bool,
}

impl Rule<1> for Formula {
    #[inline(always)]
    fn on_numbers<F: Real>(&self, param: &mut [F], grad: &[F], [buffer]: [&mut [F]; 1]) {
        let [lr, momentum, wd, taken] = [self.lr, self.momentum, self.weight_decay, self.taken].map(F::of);
        if self.momentum == 0.0 {
            for (p, g) in param.iter_mut().zip(grad) {
                *p -= lr * (*g + wd * *p);
            }
            return;
        }
        let ahead = F::of(if self.nesterov { 1.0 } else { 0.0 });
        let kept = F::of(if self.nesterov { self.momentum } else { 1.0 });
        for ((p, g), b) in param.iter_mut().zip(grad).zip(buffer) {
            let g = *g + wd * *p;
            *b = momentum * *b + taken * g;
            *p -= lr * (ahead * g + kept * *b);
        }
    }

    fn on_tensors(&self, param: &mut Tensor, grad: &Tensor, [buffer]: &mut [Tensor; 1]) -> Result<(), TchError> {
        let mut update = grad.shallow_clone();
        if self.weight_decay != 0.0 {
            update = update.f_add(&param.f_mul_scalar(self.weight_decay)?)?;
        }
        if self.momentum != 0.0 {
            let _ = buffer.f_mul_scalar_(self.momentum)?.f_add_(&update.f_mul_scalar(self.taken)?)?;
            update = if self.nesterov {
                update.f_add(&buffer.f_mul_scalar(self.momentum)?)?
            } else {
                buffer.shallow_clone()
            };
        }
        let _ = param.f_sub_(&update.f_mul_scalar(self.lr)?)?;
        Ok(())
    }
}
