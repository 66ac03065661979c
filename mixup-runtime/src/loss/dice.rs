//! The Dice loss of segmentation: how little the predicted and the right regions overlap.
//!
//! Source: Milletari et al., arXiv:1606.04797, with sums of probabilities in the denominator; the numbers are those of fastai's `DiceLoss`.

use tch::{Kind, TchError, Tensor};

use super::{Activation, Loss, LossError, Reduction, classes::class_shape, error::unmixed};
use crate::{batch::Target, error::BoxError};

/// 1 − (2·overlap + s) / (sum + s) for each item and class, of the softmax and the one-hot target over all positions. Like fastai's `DiceLoss`.
///
/// Output `[n, classes, d…]` with at least one `d`; class indices `[n, d…]`, or dense targets of the output's shape. Without a reduction the losses are
/// `[n, classes]`. Activation: softmax over dimension 1.
#[derive(Clone, Copy, Debug)]
#[doc(alias = "DiceLoss")]
pub struct Dice {
    /// s, which keeps a class that is nowhere from dividing by 0. Defaults to 1e-6.
    pub smooth: f64,
}

impl Default for Dice {
    fn default() -> Self {
        Self { smooth: 1e-6 }
    }
}

impl Loss for Dice {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        const NAME: &str = "Dice";
        let smooth = LossError::check(NAME, "smooth", self.smooth, self.smooth >= 0.0, "at least 0")?;
        let refused = |target: &Tensor| LossError::Shapes {
            loss: NAME,
            wanted: "scores `[n, classes, d, …]` with at least one `d` and class indices `[n, d, …]`, or dense targets of the scores' shape",
            output: output.size(),
            target: target.size(),
        };
        let right = match target {
            Target::Classes(classes) if output.dim() > 2 => {
                let classes = class_shape(NAME, output, classes)?;
                classes.f_one_hot(output.size()[1])?.f_movedim_int(-1, 1)?
            }
            Target::Dense(dense) if output.dim() > 2 && dense.size() == output.size() => dense.shallow_clone(),
            Target::Classes(target) | Target::Dense(target) => return Err(refused(target).into()),
            several => return Err(unmixed(NAME, several).into()),
        };
        let (p, right) = (output.f_softmax(1, output.kind())?, right.f_to_kind(output.kind())?);
        let sum = |numbers: &Tensor| -> Result<Tensor, TchError> {
            numbers.f_flatten(2, -1)?.f_sum_dim_intlist(2_i64, false, None::<Kind>)
        };
        let overlap = sum(&p.f_mul(&right)?)?.f_mul_scalar(2.0)?.f_add_scalar(smooth)?;
        let all = sum(&p.f_add(&right)?)?.f_add_scalar(smooth)?;
        Ok(reduction.of(&overlap.f_div(&all)?.f_neg()?.f_add_scalar(1.0)?)?)
    }

    /// Nothing to check: the library's own losses keep the items apart.
    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }
}
