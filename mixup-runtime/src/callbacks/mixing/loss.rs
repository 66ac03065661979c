//! The loss of a mixed target: λ·loss(output, first) + (1−λ)·loss(output, second), reduced after that.

use tch::Tensor;

use crate::{
    batch::{Output, Target},
    error::BoxError,
    loss::{Activation, Loss, LossFunc, LossParts, Reduction, by_two_calls, in_parts},
    state::Stateful,
};

/// A loss function that understands [`Target::Mixed`]; it passes every other target to the inner loss function.
///
/// Source: arXiv:1710.09412, equation 1 and section 3; fastai v1's `MixUpLoss`. The two losses are weighted item by item and
/// reduced after that, so that `Sum` and `None` are right. The mean is over all items, as in fastai v1, even if the inner loss
/// function would divide by the weights of its classes. The parts of a loss ([`Loss::parts`]) are mixed as the loss is. The
/// activation is that of the inner loss function. It takes the outputs that the inner one takes:
/// `LossFunc::new::<AnyOutput>(MixUpLoss::new(…))` holds it.
#[derive(Debug)]
pub struct MixUpLoss {
    inner: LossFunc,
}

impl MixUpLoss {
    /// Wraps a loss function.
    #[must_use]
    pub fn new(inner: LossFunc) -> Self {
        Self { inner }
    }

    /// The inner loss function.
    #[must_use]
    pub fn inner(&self) -> &LossFunc {
        &self.inner
    }
}

impl<O: Output> Loss<O> for MixUpLoss {
    fn loss(&self, output: &O, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        match target {
            Target::Mixed { first, second, weight } => self.mixed_loss(output, first, second, weight, reduction),
            plain => self.inner.loss(output, plain, reduction),
        }
    }

    fn mixed_loss(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        if first.is_mixed() || second.is_mixed() {
            return by_two_calls(self, output, first, second, weight, reduction); // each of the two comes back here
        }
        self.inner.mixed_loss(output, first, second, weight, reduction)
    }

    fn parts(&self) -> Vec<String> {
        self.inner.parts()
    }

    fn loss_in_parts(&self, output: &O, target: &Target, reduction: Reduction) -> Result<LossParts, BoxError> {
        match target {
            Target::Mixed { first, second, weight } => {
                self.mixed_loss_in_parts(output, first, second, weight, reduction)
            }
            plain => self.inner.loss_in_parts(output, plain, reduction),
        }
    }

    fn mixed_loss_in_parts(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<LossParts, BoxError> {
        if first.is_mixed() || second.is_mixed() {
            return in_parts(self, output, first, second, weight, reduction); // each of the two comes back here
        }
        self.inner.mixed_loss_in_parts(output, first, second, weight, reduction)
    }

    fn linear_in_target(&self) -> bool {
        self.inner.linear_in_target()
    }

    fn takes_mixed(&self) -> bool {
        true
    }

    fn per_item(&self) -> bool {
        self.inner.per_item()
    }

    fn check(&self, output: &O, target: &Target) -> Result<(), BoxError> {
        match target {
            Target::Mixed { first, .. } => self.check(output, first),
            plain => self.inner.check(output, plain),
        }
    }

    fn activation(&self, output: &O) -> Result<O, BoxError> {
        self.inner.activation(output)
    }

    fn known_activation(&self) -> Option<Activation> {
        self.inner.known_activation()
    }

    fn name(&self) -> String {
        format!("MixUpLoss({})", self.inner.name())
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.inner.stateful()
    }
}
