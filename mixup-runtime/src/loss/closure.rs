//! Closures as loss functions.

use tch::{TchError, Tensor};

use super::{Loss, Reduction};
use crate::{batch::Target, error::BoxError, names::short_type_name};

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

impl<F, R> Loss for F
where
    F: Fn(&Tensor, &Target, Reduction) -> R + Send + 'static,
    R: IntoLoss,
{
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self(output, target, reduction).into_loss()
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
pub fn per_item<F, R>(losses: F) -> PerItem<F>
where
    F: Fn(&Tensor, &Target) -> R + Send + 'static,
    R: IntoLoss,
{
    PerItem { losses, linear: false }
}

impl<F, R> Loss for PerItem<F>
where
    F: Fn(&Tensor, &Target) -> R + Send + 'static,
    R: IntoLoss,
{
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let losses = (self.losses)(output, target).into_loss()?;
        reduction.of(&losses).map_err(|error: TchError| error.into())
    }

    fn linear_in_target(&self) -> bool {
        self.linear
    }

    fn name(&self) -> String {
        short_type_name::<F>()
    }
}
