//! Cross-entropy and negative log-likelihood: the losses of classification.

use tch::{Kind, TchError, Tensor};

use super::{Loss, LossError, Reduction, unmixed, weigh};
use crate::{error::BoxError, target::Target};

/// Cross-entropy of unnormalised scores, as `torch.nn.CrossEntropyLoss`.
///
/// Output `[n, classes]` with class indices `[n]`, or `[n, classes, d…]` with `[n, d…]`; or dense targets (soft labels,
/// probabilities) of the output's own shape. Activation: softmax over dimension 1.
#[derive(Debug)]
pub struct CrossEntropy {
    /// A weight for each class, `[classes]`, or none.
    pub weight: Option<Tensor>,
    /// A class index that counts nothing, PyTorch's default is -100.
    pub ignore_index: i64,
    /// How much of each target is spread over all classes, 0 to 1.
    pub label_smoothing: f64,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        Self { weight: None, ignore_index: -100, label_smoothing: 0.0 }
    }
}

impl CrossEntropy {
    const NAME: &str = "CrossEntropy";
}

impl Loss for CrossEntropy {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
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
            Target::Mixed { .. } => return Err(unmixed(Self::NAME).into()),
        };
        let weight = self.weight.as_ref();
        let reduction = tch::Reduction::from(reduction);
        let ignore = self.ignore_index;
        let loss = output.f_cross_entropy_loss(target, weight, reduction, ignore, self.label_smoothing);
        loss.map_err(|error| refused(Self::NAME, output, target, ignore, error).into())
    }

    fn mixed_loss(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        let classes = matches!((first, second), (Target::Classes(_), Target::Classes(_)));
        if !classes || self.label_smoothing != 0.0 || output.dim() < 2 {
            let losses = |target: &Target| self.loss(output, target, Reduction::None);
            return weigh(Self::NAME, losses, first, second, weight, reduction);
        }
        // Cross-entropy is the negative log-likelihood of a softmax, and one softmax serves both targets.
        let log_probs = output.f_log_softmax(1, output.kind())?;
        let (class_weight, ignore) = (self.weight.as_ref(), self.ignore_index);
        let losses = |target: &Target| nll(Self::NAME, &log_probs, target, class_weight, Reduction::None, ignore);
        weigh(Self::NAME, losses, first, second, weight, reduction)
    }

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Ok(output.f_softmax(1, output.kind())?)
    }
}

/// Negative log-likelihood of log-probabilities, as `torch.nn.NLLLoss`.
///
/// Output `[n, classes]` or `[n, classes, d…]` with class indices `[n]` or `[n, d…]`. Activation: the exponential.
#[derive(Debug)]
pub struct Nll {
    /// A weight for each class, `[classes]`, or none.
    pub weight: Option<Tensor>,
    /// A class index that counts nothing, PyTorch's default is -100.
    pub ignore_index: i64,
}

impl Default for Nll {
    fn default() -> Self {
        Self { weight: None, ignore_index: -100 }
    }
}

impl Loss for Nll {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        nll("Nll", output, target, self.weight.as_ref(), reduction, self.ignore_index)
    }

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Ok(output.f_exp()?)
    }
}

/// The negative log-likelihood, in the name of the loss function that asks for it.
fn nll(
    loss: &'static str,
    log_probs: &Tensor,
    target: &Target,
    weight: Option<&Tensor>,
    reduction: Reduction,
    ignore_index: i64,
) -> Result<Tensor, BoxError> {
    let classes = match target {
        Target::Classes(classes) => class_shape(loss, log_probs, classes)?,
        Target::Dense(_) => {
            return Err(LossError::TargetKind { loss, wanted: "class indices (i64)", got: "dense values" }.into());
        }
        Target::Mixed { .. } => return Err(unmixed(loss).into()),
    };
    let losses = log_probs.f_nll_loss_nd(classes, weight, reduction.into(), ignore_index);
    losses.map_err(|error| refused(loss, log_probs, classes, ignore_index, error).into())
}

/// Says which class index was out of range, where that is why libtorch refused. Looked for only then: looking at each batch
/// would wait for the device.
fn refused(loss: &'static str, output: &Tensor, classes: &Tensor, ignore_index: i64, error: TchError) -> LossError {
    let count = output.size().get(1).copied().unwrap_or(0);
    let wrong = |class: &i64| *class != ignore_index && !(0..count).contains(class);
    let indices =
        if classes.kind() == Kind::Int64 { classes.f_flatten(0, -1).and_then(Vec::try_from) } else { Ok(vec![]) };
    match indices.ok().and_then(|indices| indices.into_iter().find(wrong)) {
        Some(class) => LossError::Class { loss, class, classes: count },
        None => error.into(),
    }
}

/// Class indices have the output's shape without its classes.
fn class_shape<'a>(loss: &'static str, output: &Tensor, classes: &'a Tensor) -> Result<&'a Tensor, LossError> {
    let shape = output.size();
    let without_classes = shape.iter().enumerate().filter(|(dim, _)| *dim != 1).map(|(_, size)| *size);
    if shape.len() >= 2 && classes.kind() == Kind::Int64 && without_classes.eq(classes.size()) {
        Ok(classes)
    } else {
        Err(LossError::Shapes {
            loss,
            wanted: "scores `[n, classes, d…]` and class indices `[n, d…]` (i64)",
            output: shape,
            target: classes.size(),
        })
    }
}
