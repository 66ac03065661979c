//! Loss functions: what an output is worth, with the reduction as an argument and the activation known.

mod closure;
mod cross_entropy;
mod elementwise;

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

pub use closure::{IntoLoss, PerItem, per_item};
pub use cross_entropy::{CrossEntropy, Nll};
pub use elementwise::{BceWithLogits, Mse};
use tch::{TchError, Tensor};

use crate::{error::BoxError, target::Target};

/// How the losses of a batch's items become the loss of the batch, as PyTorch names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Every item's loss (and every position's, where an item has several): `[n]` or `[n, …]`.
    None,
    /// Their mean, a scalar.
    #[default]
    Mean,
    /// Their sum, a scalar.
    Sum,
}

impl Reduction {
    /// Reduces losses that are not reduced yet.
    ///
    /// # Errors
    /// What libtorch says.
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
/// Any closure of `(output, target, reduction)` is one; [`per_item`] makes one of a closure that only knows the items.
///
/// ```
/// use mixup::{loss::{Loss, Reduction, CrossEntropy}, target::Target};
/// use tch::Tensor;
///
/// let output = Tensor::from_slice(&[2.0_f32, 0.0, 0.0, 2.0]).reshape([2, 2]);
/// let target = Target::from(Tensor::from_slice(&[0_i64, 0]));
/// let losses = CrossEntropy::default().loss(&output, &target, Reduction::None)?;
/// assert_eq!(losses.size(), [2]);
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub trait Loss: Any + Send {
    /// The loss of `output` `[n, …]` for `target`, reduced as asked.
    ///
    /// # Errors
    /// [`LossError`] or any other, where output and target do not fit.
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError>;

    /// What turns the model's output into predictions: softmax for cross-entropy, sigmoid for binary cross-entropy.
    ///
    /// # Errors
    /// What libtorch says.
    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Ok(output.shallow_clone())
    }

    /// The loss of two targets for each item: weight·loss(first) + (1−weight)·loss(second), item by item, reduced only then.
    /// `weight` is `[n]`, floating.
    ///
    /// A loss function that can say this in fewer steps than two calls does so here.
    ///
    /// # Errors
    /// As [`loss`](Self::loss), and where the loss function does not keep the items apart.
    fn mixed_loss(
        &self,
        output: &Tensor,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        weigh(&self.name(), |target| self.loss(output, target, Reduction::None), first, second, weight, reduction)
    }

    /// The name in messages and summaries.
    fn name(&self) -> String {
        short_type_name::<Self>()
    }
}

/// `CrossEntropy` for `mixup::loss::cross_entropy::CrossEntropy`; of a function its name; a closure and a pointer to
/// a function have none and are called that.
pub(crate) fn short_type_name<T: ?Sized>() -> String {
    let name = std::any::type_name::<T>();
    if name.ends_with("{{closure}}") {
        return "closure".to_owned();
    }
    // What stands in angle brackets is left out: `Top<f32>`, `<Top as Metric>::of`. The `>` of an arrow closes none.
    let (mut depth, mut path, mut before) = (0_usize, String::new(), ' ');
    for letter in name.chars() {
        match letter {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => path.push(letter),
            _ => {}
        }
        before = letter;
    }
    if path.contains("fn(") {
        return "function".to_owned();
    }
    path.rsplit("::").find(|part| !part.is_empty()).unwrap_or(name).to_owned()
}

/// A loss function as the learner holds it: cheap to clone, and the same one as its clone.
///
/// A callback that replaces it keeps a clone and gives that back in `on_train_end`.
#[derive(Clone)]
pub struct LossFunc(Arc<Mutex<dyn Loss>>);

impl LossFunc {
    /// Holds a loss function.
    #[must_use]
    pub fn new(loss: impl Loss) -> Self {
        Self(Arc::new(Mutex::new(loss)))
    }

    /// Whether both are the very same one, not only of the same kind.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Looks at the loss function as the type that it is, where it is that type.
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

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).activation(output)
    }

    fn name(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).name()
    }
}

impl fmt::Debug for LossFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LossFunc({})", self.name())
    }
}

/// Why a loss function can't judge an output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A target of a kind that this loss has no use for.
    #[error("{loss} takes {wanted}, and the target is {got}")]
    TargetKind {
        /// The loss function.
        loss: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What the target is.
        got: &'static str,
    },
    /// Output and target whose shapes do not belong together.
    #[error("{loss} wants {wanted}: the output is {output:?} and the target {target:?}")]
    Shapes {
        /// The loss function.
        loss: &'static str,
        /// What would fit.
        wanted: &'static str,
        /// The output's shape.
        output: Vec<i64>,
        /// The target's shape.
        target: Vec<i64>,
    },
    /// A class index that the output has no score for.
    #[error("{loss} got the class index {class}, and the output has scores for {classes} classes: 0 to {}", classes - 1)]
    Class {
        /// The loss function.
        loss: &'static str,
        /// The index.
        class: i64,
        /// How many classes the output has, in dimension 1.
        classes: i64,
    },
    /// Fewer or more losses than items: the weights of mixed targets find no item to weigh.
    #[error(
        "{loss} gave losses of the shape {got:?} for {items} items: with `Reduction::None` it must keep the items apart"
    )]
    NotPerItem {
        /// The loss function.
        loss: String,
        /// The shape of what it gave.
        got: Vec<i64>,
        /// How many items there are.
        items: usize,
    },
    /// libtorch refused.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

/// Refuses the target that MixUp made: a loss function gets it only where `MixUpLoss` is missing around it.
fn unmixed(loss: &'static str) -> LossError {
    LossError::TargetKind { loss, wanted: "one target, or two of them inside `MixUpLoss`", got: "mixed" }
}

/// The mixed loss as the formula has it, from a function that gives the items' losses for a target.
fn weigh(
    loss: &str,
    losses: impl Fn(&Target) -> Result<Tensor, BoxError>,
    first: &Target,
    second: &Target,
    weight: &Tensor,
    reduction: Reduction,
) -> Result<Tensor, BoxError> {
    let (first, second) = (losses(first)?, losses(second)?);
    per_item_losses(|| loss.to_owned(), &first, weight.numel())?;
    if second.size() != first.size() {
        return Err(LossError::NotPerItem { loss: loss.to_owned(), got: first.size(), items: weight.numel() }.into());
    }
    let weight = spread(weight, &first)?;
    Ok(reduction.of(&second.f_lerp_tensor(&first, &weight)?)?)
}

/// Refuses losses that do not keep the items apart: their first dimension must be the items.
pub(crate) fn per_item_losses(loss: impl Fn() -> String, losses: &Tensor, items: usize) -> Result<(), LossError> {
    if losses.dim() > 0 && crate::input::items(losses) == items {
        Ok(())
    } else {
        Err(LossError::NotPerItem { loss: loss(), got: losses.size(), items })
    }
}

/// Each item's number `[n]` as `[n, 1, …]`, in the kind and for the dimensions of what it is to weigh.
pub(crate) fn spread(weight: &Tensor, over: &Tensor) -> Result<Tensor, TchError> {
    let mut shape = vec![1; over.dim().max(1)];
    shape[0] = -1;
    weight.f_to_kind(over.kind())?.f_reshape(&shape)
}
