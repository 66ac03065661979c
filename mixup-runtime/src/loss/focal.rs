//! Focal losses: what the model knows already counts less.
//!
//! Source: Lin et al., arXiv:1708.02002, equations 4 and 5; the numbers are those of fastai's `FocalLoss` and of torchvision's `sigmoid_focal_loss`.

use tch::Tensor;

use super::{
    Activation, Loss, LossError, Reduction,
    classes::{class_shape, refused},
    elementwise::same_shape,
    error::unmixed,
};
use crate::{batch::Target, error::BoxError};

/// Cross-entropy times (1 − p)^γ, where p is the probability of the right class: for classes that are rare or hard.
///
/// Output `[n, classes]` with class indices `[n]`, or `[n, classes, d…]` with `[n, d…]`. Activation: softmax over dimension 1. Like fastai's
/// `FocalLoss`; class weights multiply the loss and leave p alone.
///
/// ```
/// use mixup::{batch::Target, loss::{Focal, Loss, Reduction}};
/// use tch::Tensor;
///
/// let even = Tensor::from_slice(&[0.0_f64, 0.0]).reshape([1, 2]); // p is 1/2
/// let loss = Focal { gamma: 2.0, ..Focal::default() }.loss(&even, &Target::from(Tensor::from_slice(&[1_i64])), Reduction::Mean)?;
/// assert!((loss.double_value(&[]) - 0.25 * 2.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
#[doc(alias = "FocalLoss")]
pub struct Focal {
    /// γ: the larger, the less easy items count; 0 is cross-entropy. Defaults to 2.
    pub gamma: f64,
    /// A weight for each class, `[classes]`, if any.
    pub weight: Option<Tensor>,
}

impl Default for Focal {
    fn default() -> Self {
        Self { gamma: 2.0, weight: None }
    }
}

impl Loss for Focal {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        const NAME: &str = "Focal";
        let gamma = LossError::check(NAME, "gamma", self.gamma, self.gamma >= 0.0, "at least 0")?;
        let classes = match target {
            Target::Classes(classes) => class_shape(NAME, output, classes)?,
            Target::Dense(_) => {
                return Err(LossError::TargetKind { loss: NAME, wanted: "class indices", got: "dense values" }.into());
            }
            several => return Err(unmixed(NAME, several).into()),
        };
        let entropy = |weight: Option<&Tensor>| {
            let losses = output.f_cross_entropy_loss(classes, weight, tch::Reduction::None, -100, 0.0);
            losses.map_err(|error| refused(NAME, output, classes, -100, error))
        };
        let losses = entropy(None)?;
        // 1 − p, without cancellation. At 0 the power has no slope for γ below 1.
        let unknown = losses.f_neg()?.f_expm1()?.f_neg()?.f_clamp_min(f64::from(f32::MIN_POSITIVE))?;
        let weighted = self.weight.as_ref().map_or(Ok(losses), |weight| entropy(Some(weight)))?;
        Ok(reduction.of(&unknown.f_pow_tensor_scalar(gamma)?.f_mul(&weighted)?)?)
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }
}

/// Binary cross-entropy times (1 − p)^γ, where p is the probability of the right answer, for several labels per item and for detection.
///
/// Output and dense target have the same shape `[n, …]`. Activation: the sigmoid. Like torchvision's `sigmoid_focal_loss`.
#[derive(Clone, Copy, Debug)]
#[doc(alias = "sigmoid_focal_loss")]
pub struct FocalWithLogits {
    /// γ: the larger, the less easy labels count. Defaults to 2.
    pub gamma: f64,
    /// The weight of positive labels, from 0 to 1; negative ones have the rest. `None` for no weights. Defaults to 0.25.
    pub alpha: Option<f64>,
}

impl Default for FocalWithLogits {
    fn default() -> Self {
        Self { gamma: 2.0, alpha: Some(0.25) }
    }
}

impl Loss for FocalWithLogits {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        const NAME: &str = "FocalWithLogits";
        let gamma = LossError::check(NAME, "gamma", self.gamma, self.gamma >= 0.0, "at least 0")?;
        let target = same_shape(NAME, output, target)?;
        let none = None::<Tensor>;
        let losses =
            output.f_binary_cross_entropy_with_logits(&target, none.as_ref(), none.as_ref(), tch::Reduction::None)?;
        let p = output.f_sigmoid()?;
        // 1 − p where the label is 1, and p where it is 0.
        let unknown = p.f_lerp_tensor(&p.f_neg()?.f_add_scalar(1.0)?, &target)?;
        let unknown = unknown.f_clamp_min(f64::from(f32::MIN_POSITIVE))?;
        let mut losses = losses.f_mul(&unknown.f_pow_tensor_scalar(gamma)?)?;
        if let Some(alpha) = self.alpha {
            let alpha = LossError::check(NAME, "alpha", alpha, (0.0..=1.0).contains(&alpha), "from 0 to 1")?;
            losses = losses.f_mul(&target.f_mul_scalar(2.0 * alpha - 1.0)?.f_add_scalar(1.0 - alpha)?)?;
        }
        Ok(reduction.of(&losses)?)
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Sigmoid)
    }
}
