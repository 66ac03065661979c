//! RMSProp.
//!
//! Source: Tieleman and Hinton, Coursera lecture 6.5 (2012), in the form of PyTorch's `torch.optim.RMSprop`.

#![allow(clippy::inline_always, reason = "only what is inlined into the kernel is compiled for wide registers")]

use tch::{TchError, Tensor};

use super::{
    Hyper, Hypers, Optimizer, SettingError, Slots, fraction,
    fused::{Real, Rule},
    setting,
};
use crate::{
    model::Params,
    state::{State, StateError, Stateful},
};

/// RMSProp. The defaults are PyTorch's: alpha 0.99, eps 1e-8, no momentum, no weight decay.
#[derive(Debug)]
pub struct RmsProp {
    hypers: Hypers,
    alpha: f64,
    eps: f64,
    slots: Slots<2>,
}

impl Default for RmsProp {
    fn default() -> Self {
        let slots = Slots::new(["square_avg", "momentum_buffer"]);
        Self { hypers: Hypers::new(Hyper::new(0.0, 0.0)), alpha: 0.99, eps: 1e-8, slots }
    }
}

impl RmsProp {
    /// Sets alpha: how slowly the running mean of the squared gradient forgets.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets eps, which keeps the denominator above zero.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Sets the momentum.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.hypers.set_momentum(momentum);
        self
    }

    /// Sets the weight decay, which is added to the gradient.
    #[must_use]
    pub fn wd(mut self, weight_decay: f64) -> Self {
        self.hypers.set_weight_decay(weight_decay);
        self
    }
}

impl Optimizer for RmsProp {
    fn step(&mut self, params: &Params) -> Result<(), TchError> {
        let (alpha, eps) = (self.alpha, self.eps);
        self.slots.step(params, &self.hypers, |hyper, _| Formula { hyper, alpha, eps })
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
        fraction("alpha", self.alpha)?;
        setting("eps", self.eps, self.eps > 0.0, "above 0")
    }

    fn describe(&self) -> String {
        let Hyper { momentum, weight_decay, .. } = self.hypers.last();
        format!("RmsProp(alpha {}, eps {:e}, momentum {momentum}, weight decay {weight_decay})", self.alpha, self.eps)
    }
}

impl Stateful for RmsProp {
    fn save(&self) -> Result<State, StateError> {
        self.slots.save("RmsProp", &self.hypers)?.with("alpha", &self.alpha)?.with("eps", &self.eps)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (slots, hypers) = self.slots.load("RmsProp", &self.hypers, state)?;
        *self = Self { hypers, alpha: state.field("alpha")?, eps: state.field("eps")?, slots };
        Ok(())
    }
}

/// The formula of a step, with its settings.
struct Formula {
    hyper: Hyper,
    alpha: f64,
    eps: f64,
}

impl Rule<2> for Formula {
    #[inline(always)]
    fn on_numbers<F: Real>(&self, param: &mut [F], grad: &[F], [square, buffer]: [&mut [F]; 2]) {
        let Hyper { lr, momentum, weight_decay } = self.hyper;
        let [lr, mom, wd, new, eps] = [lr, momentum, weight_decay, 1.0 - self.alpha, self.eps].map(F::of);
        let numbers = param.iter_mut().zip(grad).zip(square);
        if momentum == 0.0 {
            for ((p, g), v) in numbers {
                let g = *g + wd * *p;
                *v += new * (g * g - *v);
                *p -= lr * (g / (v.sqrt() + eps));
            }
            return;
        }
        for (((p, g), v), b) in numbers.zip(buffer) {
            let g = *g + wd * *p;
            *v += new * (g * g - *v);
            *b = mom * *b + g / (v.sqrt() + eps);
            *p -= lr * *b;
        }
    }

    fn on_tensors(
        &self,
        param: &mut Tensor,
        grad: &Tensor,
        [square, buffer]: &mut [Tensor; 2],
    ) -> Result<(), TchError> {
        let Hyper { lr, momentum, weight_decay } = self.hyper;
        let mut decayed = None;
        if weight_decay != 0.0 {
            decayed = Some(grad.f_add(&param.f_mul_scalar(weight_decay)?)?);
        }
        let grad = decayed.as_ref().unwrap_or(grad);
        let _ = square.f_lerp_(&grad.f_mul(grad)?, 1.0 - self.alpha)?;
        let mut update = grad.f_div(&square.f_sqrt()?.f_add_scalar_(self.eps)?)?;
        if momentum != 0.0 {
            update = buffer.f_mul_scalar_(momentum)?.f_add_(&update)?;
        }
        let _ = param.f_sub_(&update.f_mul_scalar(lr)?)?;
        Ok(())
    }
}
