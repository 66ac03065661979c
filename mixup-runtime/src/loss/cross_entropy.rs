//! Cross-entropy: the loss of classification.

use tch::Tensor;

use super::{
    Activation, Loss, LossError, Reduction,
    classes::{class_shape, refused},
    error::unmixed,
    mixed,
    two_labels::TwoLabels,
};
use crate::{batch::Target, error::BoxError};

/// Cross-entropy of unnormalised scores, like `torch.nn.CrossEntropyLoss`; with label smoothing, also like fastai's
/// `LabelSmoothingCrossEntropy`.
///
/// Output `[n, classes]` with class indices `[n]`, or `[n, classes, d…]` with `[n, d…]`; or dense targets (one-hot and soft
/// labels, probabilities) of the output's own shape. Activation: softmax over dimension 1.
///
/// ```
/// use mixup::{batch::Target, loss::{CrossEntropy, Loss, Reduction}};
/// use tch::Tensor;
///
/// let smoothed = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
/// let output = Tensor::from_slice(&[0.0_f64, 0.0]).reshape([1, 2]);
/// let loss = smoothed.loss(&output, &Target::from(Tensor::from_slice(&[1_i64])), Reduction::Mean)?;
/// assert!((loss.double_value(&[]) - 2.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
#[doc(alias = "LabelSmoothingCrossEntropy", alias = "LabelSmoothing", alias = "CrossEntropyLoss")]
pub struct CrossEntropy {
    /// A weight for each class, `[classes]`, if any.
    pub weight: Option<Tensor>,
    /// The class index to ignore; defaults to -100, as in PyTorch.
    pub ignore_index: i64,
    /// ε, the share of each target that is spread evenly over all classes, from 0 to 1; 0.1 is usual.
    ///
    /// The loss is (1−ε)·loss + ε·(the mean of the losses of all classes): Szegedy et al., arXiv:1512.00567, section 7.
    pub label_smoothing: f64,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        Self { weight: None, ignore_index: -100, label_smoothing: 0.0 }
    }
}

impl CrossEntropy {
    const NAME: &str = "CrossEntropy";

    fn check(&self) -> Result<(), LossError> {
        let smoothing = self.label_smoothing;
        let fits = (0.0..=1.0).contains(&smoothing);
        if fits { Ok(()) } else { Err(LossError::Smoothing { loss: Self::NAME, smoothing }) }
    }
}

impl Loss for CrossEntropy {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.check()?;
        let target = match target {
            Target::Classes(classes) => class_shape(Self::NAME, output, classes)?,
            Target::Dense(dense) if dense.size() == output.size() => dense,
            Target::Dense(dense) => {
                return Err(LossError::Shapes {
                    loss: Self::NAME,
                    wanted: "dense targets of the output's shape, or class indices (i64)",
                    output: output.size(),
                    target: dense.size(),
                }
                .into());
            }
            several => return Err(unmixed(Self::NAME, several).into()),
        };
        let weight = self.weight.as_ref();
        let reduction = tch::Reduction::from(reduction);
        let ignore = self.ignore_index;
        let loss = output.f_cross_entropy_loss(target, weight, reduction, ignore, self.label_smoothing);
        loss.map_err(|error| refused(Self::NAME, output, target, ignore, error).into())
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }

    /// The loss for dense targets.
    fn linear_in_target(&self) -> bool {
        true
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
            return mixed::of(self, output, first, second, weight, reduction);
        };
        self.check()?;
        let (class_weight, ignore_index, smoothing) = (self.weight.as_ref(), self.ignore_index, self.label_smoothing);
        let labels = TwoLabels { loss: Self::NAME, first, second, weight, class_weight, ignore_index, smoothing };
        labels.check(output)?;
        // Cross-entropy is the negative log-likelihood of a softmax, and one softmax is enough for both labels.
        labels.loss(&output.f_log_softmax(1, output.kind())?, reduction)
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }
}
