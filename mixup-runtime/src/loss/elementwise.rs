//! Losses that compare value with value: binary cross-entropy, and the squared, the absolute and Huber's error.

use tch::Tensor;

use super::{Activation, Loss, LossError, Reduction, error::unmixed};
use crate::{batch::Target, error::BoxError};

/// Binary cross-entropy of unnormalised scores, like `torch.nn.BCEWithLogitsLoss`, for several labels per item.
///
/// Output and dense target have the same shape `[n, …]`. Activation: the sigmoid.
#[derive(Debug, Default)]
pub struct BceWithLogits {
    /// A weight for each label, of a shape that broadcasts to the output's, if any.
    pub weight: Option<Tensor>,
    /// A weight for the positive labels, of such a shape, if any.
    pub pos_weight: Option<Tensor>,
}

impl Loss for BceWithLogits {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let target = same_shape("BceWithLogits", output, target)?;
        let (weight, pos_weight) = (self.weight.as_ref(), self.pos_weight.as_ref());
        Ok(output.f_binary_cross_entropy_with_logits(&target, weight, pos_weight, reduction.into())?)
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }

    fn linear_in_target(&self) -> bool {
        true
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Sigmoid)
    }
}

/// The squared error, like `torch.nn.MSELoss`, for regression.
///
/// Output and dense target have the same shape. `[n, 1]` with `[n]` is an error here, and not n×n differences.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mse;

impl Loss for Mse {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        Ok(output.f_mse_loss(&same_shape("Mse", output, target)?, reduction.into())?)
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }
}

/// The absolute error, like `torch.nn.L1Loss`, for regression that outliers must not dominate.
///
/// Output and dense target have the same shape.
#[derive(Clone, Copy, Debug, Default)]
#[doc(alias = "L1Loss")]
pub struct L1;

impl Loss for L1 {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        Ok(output.f_l1_loss(&same_shape("L1", output, target)?, reduction.into())?)
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }
}

/// The squared error up to δ and the absolute error beyond it, like `torch.nn.HuberLoss`. With a δ of 1 it is also `torch.nn.SmoothL1Loss`.
///
/// Output and dense target have the same shape.
#[derive(Clone, Copy, Debug)]
#[doc(alias = "HuberLoss", alias = "SmoothL1Loss")]
pub struct Huber {
    /// δ, above 0. Defaults to 1.
    pub delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

impl Loss for Huber {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let delta = LossError::check("Huber", "delta", self.delta, self.delta > 0.0, "above 0")?;
        Ok(output.f_huber_loss(&same_shape("Huber", output, target)?, reduction.into(), delta)?)
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }
}

/// The dense target of the output's shape, converted to the output's kind: a target in half precision must not make the loss one.
pub(super) fn same_shape(loss: &'static str, output: &Tensor, target: &Target) -> Result<Tensor, LossError> {
    match target {
        Target::Dense(dense) if dense.size() == output.size() => Ok(dense.f_to_kind(output.kind())?),
        Target::Dense(dense) => Err(LossError::Shapes {
            loss,
            wanted: "a target of the output's shape",
            output: output.size(),
            target: dense.size(),
        }),
        Target::Classes(_) => Err(LossError::TargetKind {
            loss,
            wanted: "dense values of a floating kind (one-hot labels, or numbers)",
            got: "class indices",
        }),
        several => Err(unmixed(loss, several)),
    }
}
