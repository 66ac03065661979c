//! Adam and AdamW.
//!
//! Source: Kingma and Ba, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter, arXiv:1711.05101, algorithm 2, for the
//! decoupled weight decay, as in PyTorch and fastai v1's `OptimWrapper` (`true_wd`).

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
    slots: Slots<2>,
}

impl<const DECOUPLED: bool> Default for AdamOf<DECOUPLED> {
    fn default() -> Self {
        let hypers = Hypers::new(Hyper::new(if DECOUPLED { 0.01 } else { 0.0 }, 0.9));
        Self { hypers, beta2: 0.99, eps: 1e-8, slots: Slots::new(["exp_avg", "exp_avg_sq"]) }
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
        self.slots.step(params, &self.hypers, |Hyper { lr, momentum: beta1, weight_decay }, steps| {
            let correction = |beta: f64| 1.0 - beta.powf(f64::from(steps));
            Formula::<DECOUPLED> {
                weight_decay,
                decay: lr * weight_decay,
                beta1,
                beta2,
                eps,
                factor: lr / correction(beta1),
                correction2: correction(beta2).sqrt(),
            }
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

/// The formula of a step, with its settings and the corrections for the number of steps.
struct Formula<const DECOUPLED: bool> {
    weight_decay: f64,
    /// lr·λ, the part of a parameter that decoupled decay takes away.
    decay: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    /// lr/c₁
    factor: f64,
    /// √c₂
    correction2: f64,
}

/// θ becomes θ − (lr·λ·θ + lr/c₁ · m / (√v/√c₂ + ε)), which rounds the parameter once.
impl<const DECOUPLED: bool> Rule<2> for Formula<DECOUPLED> {
    #[inline(always)]
    fn on_numbers<F: Real>(&self, param: &mut [F], grad: &[F], [mean, square]: [&mut [F]; 2]) {
        let (wd, decay) = if DECOUPLED { (0.0, self.decay) } else { (self.weight_decay, 0.0) };
        let [wd, decay, new1, new2] = [wd, decay, 1.0 - self.beta1, 1.0 - self.beta2].map(F::of);
        let [eps, factor, root] = [self.eps, self.factor, 1.0 / self.correction2].map(F::of);
        for (((p, g), m), v) in param.iter_mut().zip(grad).zip(mean).zip(square) {
            let g = if DECOUPLED { *g } else { *g + wd * *p };
            *m += new1 * (g - *m);
            *v += new2 * (g * g - *v);
            let step = factor * *m / (v.sqrt() * root + eps);
            *p -= if DECOUPLED { decay * *p + step } else { step };
        }
    }

    fn on_tensors(&self, param: &mut Tensor, grad: &Tensor, [mean, square]: &mut [Tensor; 2]) -> Result<(), TchError> {
        let mut decayed = None;
        if self.weight_decay != 0.0 && DECOUPLED {
            let _ = param.f_mul_scalar_(1.0 - self.decay)?;
        } else if self.weight_decay != 0.0 {
            decayed = Some(grad.f_add(&param.f_mul_scalar(self.weight_decay)?)?);
        }
        let grad = decayed.as_ref().unwrap_or(grad);
        let _ = mean.f_lerp_(grad, 1.0 - self.beta1)?;
        let _ = square.f_lerp_(&grad.f_mul(grad)?, 1.0 - self.beta2)?;
        // With the factor moved into the denominator, this takes the fewest passes over the tensors.
        let factor = self.factor * self.correction2;
        if factor != 0.0 {
            let mut denominator = square.f_sqrt()?;
            let _ = denominator.f_add_scalar_(self.eps * self.correction2)?;
            let _ = denominator.f_mul_scalar_(-1.0 / factor)?;
            let _ = param.f_addcdiv_(mean, &denominator)?;
        }
        Ok(())
    }
}
