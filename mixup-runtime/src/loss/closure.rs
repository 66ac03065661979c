//! Closures as loss functions.

use tch::{TchError, Tensor};

use super::{Activate, Activation, AsIs, IntoActivated, Loss, Reduction, check};
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
    // Two arguments are wrapped: `per_item(f)` if `f` returns the items' losses, `of_batch(f)` if it returns the loss of the
    // batch.
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

    fn check(&self, output: &O, target: &Target) -> Result<(), BoxError> {
        check::reduction(self, output, target, check::CLOSURE)
    }
}

/// A loss function made of a closure that returns each item's loss; created by [`per_item`].
#[derive(Clone, Copy, Debug)]
pub struct PerItem<F, A = AsIs> {
    losses: F,
    linear: bool,
    activation: A,
}

impl<F, A> PerItem<F, A> {
    /// Promises that the losses are linear in dense targets, as described at [`Loss::linear_in_target`].
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }
}

impl<F> PerItem<F> {
    /// Sets the activation for predictions, such as `|output| output.sigmoid()`. The closure returns an output, or a result with
    /// any error.
    #[must_use]
    pub fn activation<O, R, S, A>(self, activation: A) -> PerItem<F, A>
    where
        F: Fn(&O, &Target) -> R + Send + 'static,
        A: Fn(&O) -> S + Send + 'static,
        O: Output,
        R: IntoLoss,
        S: IntoActivated<O>,
    {
        PerItem { losses: self.losses, linear: self.linear, activation }
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
/// // the squared error of a probability; predictions are probabilities too
/// let brier = per_item(|output: &Tensor, target: &Target| (output.sigmoid() - target.tensor()).square());
/// let brier = brier.activation(|output| output.sigmoid());
/// # let _ = (loss, brier);
/// ```
pub fn per_item<F, O, R>(losses: F) -> PerItem<F>
where
    F: Fn(&O, &Target) -> R + Send + 'static,
    O: Output,
    R: IntoLoss,
{
    PerItem { losses, linear: false, activation: AsIs }
}

impl<F, O, R, A> Loss<O> for PerItem<F, A>
where
    F: Fn(&O, &Target) -> R + Send + 'static,
    A: Activate<O>,
    O: Output,
    R: IntoLoss,
{
    fn loss(&self, output: &O, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let losses = (self.losses)(output, target).into_loss()?;
        reduction.of(&losses).map_err(|error: TchError| error.into())
    }

    fn activation(&self, output: &O) -> Result<O, BoxError> {
        self.activation.activate(output)
    }

    fn linear_in_target(&self) -> bool {
        self.linear
    }

    fn known_activation(&self) -> Option<Activation> {
        self.activation.known()
    }

    fn check(&self, output: &O, target: &Target) -> Result<(), BoxError> {
        check::reduction(self, output, target, check::PER_ITEM)
    }

    fn name(&self) -> String {
        short_type_name::<F>()
    }
}

/// A loss function made of a closure that returns one loss for the whole batch; created by [`of_batch`].
#[derive(Clone, Copy, Debug)]
pub struct OfBatch<F, A = AsIs> {
    loss: F,
    activation: A,
}

impl<F> OfBatch<F> {
    /// Sets the activation for predictions, such as `|output| output.sigmoid()`. The closure returns an output, or a result with
    /// any error.
    #[must_use]
    pub fn activation<O, R, S, A>(self, activation: A) -> OfBatch<F, A>
    where
        F: Fn(&O, &Target) -> R + Send + 'static,
        A: Fn(&O) -> S + Send + 'static,
        O: Output,
        R: IntoLoss,
        S: IntoActivated<O>,
    {
        OfBatch { loss: self.loss, activation }
    }
}

/// Turns a closure that returns one loss for the whole batch, `[]`, into a loss function. It is for losses that compare the items
/// of a batch with each other, so that no item has a loss of its own.
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
    OfBatch { loss, activation: AsIs }
}

impl<F, O, R, A> Loss<O> for OfBatch<F, A>
where
    F: Fn(&O, &Target) -> R + Send + 'static,
    A: Activate<O>,
    O: Output,
    R: IntoLoss,
{
    fn loss(&self, output: &O, target: &Target, _: Reduction) -> Result<Tensor, BoxError> {
        (self.loss)(output, target).into_loss()
    }

    fn activation(&self, output: &O) -> Result<O, BoxError> {
        self.activation.activate(output)
    }

    fn per_item(&self) -> bool {
        false
    }

    fn known_activation(&self) -> Option<Activation> {
        self.activation.known()
    }

    fn name(&self) -> String {
        short_type_name::<F>()
    }
}
