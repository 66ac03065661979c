//! Cross-entropy and negative log-likelihood: the losses of classification.

use tch::{Kind, TchError, Tensor};

use super::{Loss, LossError, Reduction, unmixed};
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

impl Loss for CrossEntropy {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        const NAME: &str = "CrossEntropy";
        let target = match target {
            Target::Classes(classes) => class_shape(NAME, output, classes)?,
            Target::Dense(dense) if dense.size() == output.size() => dense,
            Target::Dense(dense) => {
                return Err(LossError::Shapes {
                    loss: NAME,
                    wanted: "dense targets of the output's shape, or class indices (i64)",
                    output: output.size(),
                    target: dense.size(),
                }
                .into());
            }
            Target::Mixed { .. } => return Err(unmixed(NAME).into()),
        };
        let weight = self.weight.as_ref();
        let reduction = tch::Reduction::from(reduction);
        let ignore = self.ignore_index;
        let loss = output.f_cross_entropy_loss(target, weight, reduction, ignore, self.label_smoothing);
        loss.map_err(|error| refused(NAME, output, target, ignore, error).into())
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
        const NAME: &str = "Nll";
        let classes = match target {
            Target::Classes(classes) => class_shape(NAME, output, classes)?,
            Target::Dense(_) => {
                return Err(
                    LossError::TargetKind { loss: NAME, wanted: "class indices (i64)", got: "dense values" }.into()
                );
            }
            Target::Mixed { .. } => return Err(unmixed(NAME).into()),
        };
        let loss = output.f_nll_loss_nd(classes, self.weight.as_ref(), reduction.into(), self.ignore_index);
        loss.map_err(|error| refused(NAME, output, classes, self.ignore_index, error).into())
    }

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Ok(output.f_exp()?)
    }
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
