//! Negative log-likelihood of class indices, and what is checked of them.

use tch::{Kind, TchError, Tensor};

use super::{Loss, LossError, Reduction, error::unmixed, mixed, two_labels::TwoLabels};
use crate::{error::BoxError, target::Target};

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

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Ok(output.f_exp()?)
    }
}

/// Says which class index was out of range, where that is why libtorch refused. Looked for only then: looking at each batch
/// would wait for the device.
pub(super) fn refused(
    loss: &'static str,
    output: &Tensor,
    classes: &Tensor,
    ignore_index: i64,
    error: TchError,
) -> LossError {
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
pub(super) fn class_shape<'a>(
    loss: &'static str,
    output: &Tensor,
    classes: &'a Tensor,
) -> Result<&'a Tensor, LossError> {
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
