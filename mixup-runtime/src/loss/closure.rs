//! Closures as loss functions.

use tch::{TchError, Tensor};

use super::{Activation, Loss, LossError, Reduction, per_item_losses};
use crate::{
    batch::{Output, Target},
    error::BoxError,
    names::short_type_name,
};

/// What a loss closure may return: a tensor, or a result with any error.
pub trait IntoLoss {
    /// Converts it to what [`Loss::loss`] returns.
    ///
    /// # Errors
    /// The error of the closure.
    fn into_loss(self) -> Result<Tensor, BoxError>;
}

impl IntoLoss for Tensor {
    fn into_loss(self) -> Result<Tensor, BoxError> {
        Ok(self)
    }
}

impl<E: Into<BoxError>> IntoLoss for Result<Tensor, E> {
    fn into_loss(self) -> Result<Tensor, BoxError> {
        self.map_err(Into::into)
    }
}

impl<F, O, R> Loss<O> for F
where
    F: Fn(&O, &Target, Reduction) -> R + Send + 'static,
    O: Output,
    R: IntoLoss,
{
    fn loss(&self, output: &O, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self(output, target, reduction).into_loss()
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }

    /// Whether the closure respects `reduction`.
    fn check(&self, output: &O, target: &Target) -> Result<(), BoxError> {
        let losses = tch::no_grad(|| self(output, target, Reduction::None).into_loss())?;
        let items = target.items();
        per_item_losses(String::new, &losses, items)
            .map_err(|_| LossError::IgnoresReduction { got: losses.size(), items }.into())
    }
}

/// A loss function made of a closure that returns each item's loss; created by [`per_item`].
#[derive(Clone, Copy, Debug)]
pub struct PerItem<F> {
    losses: F,
    linear: bool,
}

impl<F> PerItem<F> {
    /// Promises that the losses are linear in dense targets, as described at [`Loss::linear_in_target`].
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }
}

/// Turns a closure that returns each item's loss, `[n]` or `[n, …]`, into a loss function. The library does the reduction.
///
/// ```
/// use mixup::{batch::Target, loss::per_item};
/// use tch::{TchError, Tensor};
///
/// // the absolute error
/// let loss = per_item(|output: &Tensor, target: &Target| -> Result<Tensor, TchError> {
///     output.f_sub(target.tensor())?.f_abs()
/// });
/// # let _ = loss;
/// ```
pub fn per_item<F, O, R>(losses: F) -> PerItem<F>
where
    F: Fn(&O, &Target) -> R + Send + 'static,
    O: Output,
    R: IntoLoss,
{
    PerItem { losses, linear: false }
}

impl<F, O, R> Loss<O> for PerItem<F>
where
    F: Fn(&O, &Target) -> R + Send + 'static,
    O: Output,
    R: IntoLoss,
{
    fn loss(&self, output: &O, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let losses = (self.losses)(output, target).into_loss()?;
        reduction.of(&losses).map_err(|error: TchError| error.into())
    }

    fn linear_in_target(&self) -> bool {
        self.linear
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }

    fn name(&self) -> String {
        short_type_name::<F>()
    }
}

/// A loss function made of a closure that returns one loss for the whole batch; created by [`of_batch`].
#[derive(Clone, Copy, Debug)]
pub struct OfBatch<F>(F);

/// Turns a closure that returns one loss for the whole batch, `[]`, into a loss function. It is for losses that compare the items of a batch with
/// each other, so that no item has a loss of its own.
///
/// It can't be combined with MixUp's `stack_y`, which weighs the losses of the items, and the `losses` of predictions are NaN.
///
/// ```
/// use mixup::{batch::Target, loss::of_batch};
/// use tch::{TchError, Tensor};
///
/// // how far the items are from their common mean
/// let loss = of_batch(|output: &Tensor, _: &Target| -> Result<Tensor, TchError> {
///     output.f_sub(&output.f_mean_dim(0_i64, true, output.kind())?)?.f_square()?.f_mean(output.kind())
/// });
/// # let _ = loss;
/// ```
pub fn of_batch<F, O, R>(loss: F) -> OfBatch<F>
where
    F: Fn(&O, &Target) -> R + Send + 'static,
    O: Output,
    R: IntoLoss,
{
    OfBatch(loss)
}

impl<F, O, R> Loss<O> for OfBatch<F>
where
    F: Fn(&O, &Target) -> R + Send + 'static,
    O: Output,
    R: IntoLoss,
{
    fn loss(&self, output: &O, target: &Target, _: Reduction) -> Result<Tensor, BoxError> {
        (self.0)(output, target).into_loss()
    }

    fn per_item(&self) -> bool {
        false
    }

    fn known_activation(&self) -> Option<Activation> {
        Some(Activation::Identity)
    }

    fn name(&self) -> String {
        short_type_name::<F>()
    }
}
