//! Adam and AdamW.
//!
//! Source: Kingma and Ba, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter, arXiv:1711.05101, algorithm 2, for the
//! decoupled weight decay, as in PyTorch and fastai v1's `OptimWrapper` (`true_wd`).

use tch::TchError;

use super::{Hyper, Hypers, Optimizer, SettingError, Slots, fraction, setting};
use crate::{
    model::Params,
    state::{State, StateError, Stateful},
};

/// Adam with decoupled weight decay. The defaults are fastai's: betas 0.9 and 0.99, eps 1e-8, weight decay 0.01.
pub type AdamW = AdamOf<true>;

/// Adam. The defaults are betas 0.9 and 0.99, eps 1e-8, and no weight decay, which is added to the gradient as in the first paper.
pub type Adam = AdamOf<false>;

/// The common implementation of [`Adam`] and [`AdamW`], which differ in where the weight decay is applied.
#[derive(Debug)]
pub struct AdamOf<const DECOUPLED: bool> {
    hypers: Hypers,
    beta2: f64,
    eps: f64,
    slots: Slots,
}

impl<const DECOUPLED: bool> Default for AdamOf<DECOUPLED> {
    fn default() -> Self {
        let hypers = Hypers::new(Hyper::new(if DECOUPLED { 0.01 } else { 0.0 }, 0.9));
        Self { hypers, beta2: 0.99, eps: 1e-8, slots: Slots::new(&["exp_avg", "exp_avg_sq"]) }
    }
}

impl<const DECOUPLED: bool> AdamOf<DECOUPLED> {
    const NAME: &str = if DECOUPLED { "AdamW" } else { "Adam" };

    /// Sets the betas: how slowly the running means of the gradient and of its square forget.
    #[must_use]
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Self {
        self.hypers.set_momentum(beta1);
        self.beta2 = beta2;
        self
    }

    /// Sets eps, which keeps the denominator above zero.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Sets the weight decay.
    #[must_use]
    pub fn wd(mut self, weight_decay: f64) -> Self {
        self.hypers.set_weight_decay(weight_decay);
        self
    }
}

impl<const DECOUPLED: bool> Optimizer for AdamOf<DECOUPLED> {
    fn step(&mut self, params: &Params) -> Result<(), TchError> {
        let (beta2, eps) = (self.beta2, self.eps);
        self.slots.step(params, &self.hypers, |param, grad, slot, Hyper { lr, momentum: beta1, weight_decay }| {
            let mut decayed = None;
            if weight_decay != 0.0 && DECOUPLED {
                let _ = param.f_mul_scalar_(1.0 - lr * weight_decay)?;
            } else if weight_decay != 0.0 {
                decayed = Some(grad.f_add(&param.f_mul_scalar(weight_decay)?)?);
            }
            let grad = decayed.as_ref().unwrap_or(grad);
            let [mean, square] = &mut slot.tensors[..] else { return Ok(()) };
            let _ = mean.f_lerp_(grad, 1.0 - beta1)?;
            let _ = square.f_lerp_(&grad.f_mul(grad)?, 1.0 - beta2)?;
            // lr/c₁ · m / (√v/√c₂ + ε), with the factor moved into the denominator: this takes the fewest passes over the tensors.
            let correction1 = 1.0 - beta1.powf(f64::from(slot.steps));
            let correction2 = (1.0 - beta2.powf(f64::from(slot.steps))).sqrt();
            let factor = lr * correction2 / correction1;
            if factor != 0.0 {
                let mut denominator = square.f_sqrt()?;
                let _ = denominator.f_add_scalar_(eps * correction2)?;
                let _ = denominator.f_mul_scalar_(-1.0 / factor)?;
                let _ = param.f_addcdiv_(mean, &denominator)?;
            }
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

    fn type_name(&self) -> String {
        Self::NAME.to_owned()
    }

    fn check(&self) -> Result<(), SettingError> {
        self.hypers.check()?;
        fraction("beta2", self.beta2)?;
        setting("eps", self.eps, self.eps > 0.0, "above 0")
    }

    fn describe(&self) -> String {
        let (name, Hyper { momentum, weight_decay, .. }) = (Self::NAME, self.hypers.last());
        format!("{name}(betas {momentum} and {}, eps {:e}, weight decay {weight_decay})", self.beta2, self.eps)
    }
}

impl<const DECOUPLED: bool> Stateful for AdamOf<DECOUPLED> {
    fn save(&self) -> Result<State, StateError> {
        self.slots.save(Self::NAME, &self.hypers)?.with("beta2", &self.beta2)?.with("eps", &self.eps)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        let (slots, hypers) = self.slots.load(Self::NAME, &self.hypers, state)?;
        *self = Self { hypers, beta2: state.field("beta2")?, eps: state.field("eps")?, slots };
        Ok(())
    }
}
