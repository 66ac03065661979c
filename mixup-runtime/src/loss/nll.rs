//! Negative log-likelihood of class indices.

use tch::Tensor;

use super::{
    Activation, Loss, LossError, Reduction,
    classes::{class_shape, refused},
    error::unmixed,
    mixed,
    two_labels::TwoLabels,
};
use crate::{batch::Target, error::BoxError};

/// Negative log-likelihood of log-probabilities, like `torch.nn.NLLLoss`.
///
/// Output `[n, classes]` or `[n, classes, d…]` with class indices `[n]` or `[n, d…]`. Activation: the exponential.
#[derive(Debug)]
pub struct Nll {
    /// A weight for each class, `[classes]`, if any.
    pub weight: Option<Tensor>,
    /// The class index to ignore; defaults to -100, as in PyTorch.
    pub ignore_index: i64,
}

impl Default for Nll {
    fn default() -> Self {
        Self { weight: None, ignore_index: -100 }
    }
}

impl Nll {
    const NAME: &str = "Nll";
}

impl Loss for Nll {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let classes = match target {
            Target::Classes(classes) => class_shape(Self::NAME, output, classes)?,
            Target::Dense(_) => {
                let (wanted, got) = ("class indices (i64)", "dense values");
                return Err(LossError::TargetKind { loss: Self::NAME, wanted, got }.into());
            }
            several => return Err(unmixed(Self::NAME, several).into()),
        };
        let losses = output.f_nll_loss_nd(classes, self.weight.as_ref(), reduction.into(), self.ignore_index);
        losses.map_err(|error| refused(Self::NAME, output, classes, self.ignore_index, error).into())
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }

    fn mixed_loss(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        let (Target::Classes(first), Target::Classes(second)) = (first, second) else {
            return mixed::by_two_calls(self, output, first, second, weight, reduction);
        };
        let (class_weight, ignore_index) = (self.weight.as_ref(), self.ignore_index);
        let labels = TwoLabels { loss: Self::NAME, first, second, weight, class_weight, ignore_index, smoothing: 0.0 };
        labels.check(output)?;
        labels.loss(output, reduction)
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Exp)
    }
}
