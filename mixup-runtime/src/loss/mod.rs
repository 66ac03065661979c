//! Loss functions, which take the reduction as an argument and know the activation.

mod activate;
mod activation;
mod addends;
mod check;
mod classes;
mod closure;
mod cross_entropy;
mod dice;
mod elementwise;
mod error;
mod focal;
mod func;
mod mixed;
mod multi_task;
mod nll;
mod parts;
mod sum;
mod two_labels;

use std::any::Any;

pub use activate::{Activate, AsIs, IntoActivated};
pub use activation::Activation;
pub use closure::{IntoLoss, OfBatch, PerItem, of_batch, per_item};
pub use cross_entropy::CrossEntropy;
pub use dice::Dice;
pub use elementwise::{BceWithLogits, Huber, L1, Mse};
pub use error::LossError;
pub use focal::{Focal, FocalWithLogits};
pub use func::LossFunc;
pub(crate) use mixed::{by_two_calls, in_parts, mean_of_each, per_item_losses};
pub use multi_task::{Columns, MultiTask};
pub use nll::Nll;
pub use parts::LossParts;
pub use sum::LossSum;
use tch::{TchError, Tensor};

use crate::{
    batch::{Output, Target},
    error::BoxError,
    names::short_type_name,
    state::Stateful,
};

/// How the losses of a batch's items become the loss of the batch, with PyTorch's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// No reduction: the loss of every item (and of every position, if an item has several), `[n]` or `[n, …]`.
    None,
    /// The mean of the losses, a scalar.
    #[default]
    Mean,
    /// The sum of the losses, a scalar.
    Sum,
}

impl Reduction {
    /// Reduces losses that have not been reduced yet.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn of(self, losses: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::None => Ok(losses.shallow_clone()),
            Self::Mean => losses.f_mean(losses.kind()),
            Self::Sum => losses.f_sum(losses.kind()),
        }
    }
}

impl From<Reduction> for tch::Reduction {
    fn from(reduction: Reduction) -> Self {
        match reduction {
            Reduction::None => Self::None,
            Reduction::Mean => Self::Mean,
            Reduction::Sum => Self::Sum,
        }
    }
}

/// A loss function for models whose output is an `O`.
///
/// Any closure that takes `(output, target, reduction)` is a loss function, if it is written with the types of its arguments:
/// `|output: &Tensor, target: &Target, reduction: Reduction| …`. Without them the compiler says that an «implementation of
/// `FnOnce` is not general enough». A function or closure with two arguments is wrapped: [`per_item`] makes a loss function from
/// one that returns the items' losses, and [`of_batch`] from one that returns the loss of the batch. [`LossSum`] adds several
/// loss functions.
///
/// ```
/// use mixup::{batch::Target, loss::{Loss, Reduction, CrossEntropy}};
/// use tch::Tensor;
///
/// let output = Tensor::from_slice(&[2.0_f32, 0.0, 0.0, 2.0]).reshape([2, 2]);
/// let target = Target::from(Tensor::from_slice(&[0_i64, 0]));
/// let losses = CrossEntropy::default().loss(&output, &target, Reduction::None)?;
/// assert_eq!(losses.size(), [2]);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a loss function for a model whose output is `{O}`",
    label = "it takes another output: pass a closure `|output: &{O}, target: &Target, reduction: Reduction| …`, or implement `Loss<{O}>`"
)]
pub trait Loss<O: Output = Tensor>: Any + Send {
    /// Returns the loss of `output` `[n, …]` for `target`, reduced by `reduction`.
    ///
    /// # Errors
    /// A [`LossError`] or any other error if output and target do not fit each other.
    fn loss(&self, output: &O, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError>;

    /// The names of the parts that the loss is made of, such as `recon` and `class`: each is published under its name in
    /// training, and measured under `valid_` and its name in validation. Defaults to none; [`LossSum`] has some.
    fn parts(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns the loss as [`loss`](Self::loss) does, and beside it its [`parts`](Self::parts), which are not read from the
    /// device here. The learner calls this for each batch. By default it calls `loss`, and there are no parts.
    ///
    /// # Errors
    /// As for [`loss`](Self::loss).
    fn loss_in_parts(&self, output: &O, target: &Target, reduction: Reduction) -> Result<LossParts, BoxError> {
        self.loss(output, target, reduction).map(LossParts::whole)
    }

    /// Turns the model's output into predictions: softmax for cross-entropy, the sigmoid for binary cross-entropy. By default it
    /// applies the [known activation](Self::known_activation) to each tensor of the output, or returns the output as it is if there is none.
    ///
    /// # Errors
    /// Any error from libtorch.
    fn activation(&self, output: &O) -> Result<O, BoxError> {
        let activation = self.known_activation().unwrap_or(Activation::Identity);
        Ok(output.map(&mut |tensor| activation.of(tensor))?)
    }

    /// The name of the [activation](Self::activation), if it has one, which a [bundle](crate::learner::Learner::save_bundle)
    /// keeps: a fresh process then predicts without the loss function. Defaults to `None`. A loss function whose activation has a name says
    /// it here and nothing there.
    fn known_activation(&self) -> Option<Activation> {
        None
    }

    /// Whether the loss is linear in dense targets: for all targets a and b and every λ from 0 to 1, the loss of λ·a + (1−λ)·b
    /// is λ times that of a plus 1−λ times that of b, item by item.
    ///
    /// Returning true promises this for each item and position with [`Reduction::None`], and that `Mean` and `Sum` are the mean
    /// and the sum of these. Mixed dense targets then take one call instead of two. Cross-entropy and binary cross-entropy
    /// are linear; the squared error is not. Defaults to false.
    fn linear_in_target(&self) -> bool {
        false
    }

    /// Whether the loss function takes [`Target::Mixed`] itself. If not, a mixing callback wraps it in
    /// [`MixUpLoss`](crate::callbacks::mixing::MixUpLoss). Defaults to false.
    fn takes_mixed(&self) -> bool {
        false
    }

    /// Whether [`Reduction::None`] returns a loss for each item. Defaults to true; false for a loss that only whole batches have.
    fn per_item(&self) -> bool {
        true
    }

    /// Checks for mistakes that would show only later. The learner calls this once per run, with the first batch, and loads the
    /// loss function's [state](Self::stateful) again that it had before.
    ///
    /// By default it checks that a loss function which has losses of items ([`per_item`](Self::per_item)) keeps them apart:
    /// [`Reduction::None`] must return `[n]` or `[n, …]`, `Mean` (or `Sum`) must be what the losses give, and the first item must
    /// have the same loss alone as in its batch. A loss function that returns other losses when it is called again is random, and
    /// only the shape is checked.
    ///
    /// # Errors
    /// The mistake.
    fn check(&self, output: &O, target: &Target) -> Result<(), BoxError> {
        check::reduction(self, output, target, check::OWN)
    }

    /// Returns the loss for two targets per item: weight·loss(first) + (1−weight)·loss(second), computed item by item and reduced
    /// only then. `weight` is `[n]`, floating.
    ///
    /// By default this takes two calls, or one on the mixed target if the loss is [linear in it](Self::linear_in_target). A loss
    /// function that can compute it in fewer steps overrides this method.
    ///
    /// # Errors
    /// As for [`loss`](Self::loss), and if the loss function does not keep the items apart.
    fn mixed_loss(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        mixed::of(self, output, first, second, weight, reduction)
    }

    /// Returns the [mixed loss](Self::mixed_loss) with its parts, mixed as the loss is. By default a loss with parts takes two
    /// calls.
    ///
    /// # Errors
    /// As for [`mixed_loss`](Self::mixed_loss).
    fn mixed_loss_in_parts(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<LossParts, BoxError> {
        if self.parts().is_empty() {
            return self.mixed_loss(output, first, second, weight, reduction).map(LossParts::whole);
        }
        mixed::in_parts(self, output, first, second, weight, reduction)
    }

    /// The name for messages and summaries.
    fn name(&self) -> String {
        short_type_name::<Self>()
    }

    /// Returns `Some(self)` if the loss function is [`Stateful`]: the learner then saves and loads what it remembers. Defaults to
    /// `None`.
    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }
}
