//! Loss functions, which take the reduction as an argument and know the activation.

mod classes;
mod closure;
mod cross_entropy;
mod elementwise;
mod error;
mod mixed;
mod multi_task;
mod nll;
mod two_labels;

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

pub use closure::{IntoLoss, PerItem, per_item};
pub use cross_entropy::CrossEntropy;
pub use elementwise::{BceWithLogits, Mse};
pub use error::LossError;
pub(crate) use mixed::{by_two_calls, mean_of_each, per_item_losses};
pub use multi_task::{Columns, MultiTask};
pub use nll::Nll;
use tch::{TchError, Tensor};

use crate::{
    batch::Target,
    error::BoxError,
    names::short_type_name,
    state::{State, StateError, Stateful},
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

/// A loss function.
///
/// Any closure that takes `(output, target, reduction)` is a loss function. [`per_item`] makes one from a closure that returns the
/// items' losses.
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
pub trait Loss: Any + Send {
    /// Returns the loss of `output` `[n, …]` for `target`, reduced by `reduction`.
    ///
    /// # Errors
    /// A [`LossError`] or any other error if output and target do not fit each other.
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError>;

    /// Turns the model's output into predictions: softmax for cross-entropy, the sigmoid for binary cross-entropy.
    ///
    /// # Errors
    /// Any error from libtorch.
    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Ok(output.shallow_clone())
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
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        mixed::of(self, output, first, second, weight, reduction)
    }

    /// The name for messages and summaries.
    fn name(&self) -> String {
        short_type_name::<Self>()
    }

    /// Returns `Some(self)` if the loss function is [`Stateful`]: the learner then saves and loads what it remembers. Defaults to `None`.
    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }
}

/// A shared loss function, as the learner holds it. It is cheap to clone, and a clone is the same loss function.
///
/// A callback that replaces it keeps a clone and restores it in `on_train_end`.
#[derive(Clone)]
pub struct LossFunc(Arc<Mutex<dyn Loss>>);

impl LossFunc {
    /// Wraps a loss function.
    #[must_use]
    pub fn new(loss: impl Loss) -> Self {
        Self(Arc::new(Mutex::new(loss)))
    }

    /// Whether both are the same loss function, and not only of the same type.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Calls a closure with the loss function as its own type, if it is of that type.
    pub fn with<L: Loss, R>(&self, look: impl FnOnce(&L) -> R) -> Option<R> {
        let loss = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (&*loss as &dyn Any).downcast_ref().map(look)
    }
}

impl Loss for LossFunc {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).loss(output, target, reduction)
    }

    fn mixed_loss(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        let loss = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loss.mixed_loss(output, first, second, weight, reduction)
    }

    fn linear_in_target(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).linear_in_target()
    }

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).activation(output)
    }

    fn name(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).name()
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        let has_state = self.0.lock().unwrap_or_else(PoisonError::into_inner).stateful().is_some();
        has_state.then_some(self)
    }
}

/// The state of the loss function in it.
impl Stateful for LossFunc {
    fn version(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stateful().version()
    }

    fn save(&self) -> Result<State, StateError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stateful().save()
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stateful().load(state)
    }
}

impl fmt::Debug for LossFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LossFunc({})", self.name())
    }
}
