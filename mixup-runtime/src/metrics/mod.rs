//! Metrics: numbers about outputs and targets, averaged over the items of the validation data or computed from the whole of it.
//!
//! Validation batches are never mixed. If a metric gets a mixed target nevertheless (in a hook of a training batch, say), it
//! compares each item with the target that weighs more ([`Target::heavier`]). After CutMix that may be the partner's.

mod confusion;
mod over_set;
mod ranking;
mod regression;

use std::{any::Any, marker::PhantomData};

pub use confusion::{Average, ConfusionMatrix, FBeta, Precision, Recall};
pub use over_set::OverSet;
pub use ranking::{RocAuc, TopK};
pub use regression::{Perplexity, R2, Rmse};

use tch::{Kind, TchError, Tensor};

use crate::{
    batch::{AnyOutput, Output, Target, TargetError},
    error::BoxError,
    names::short_type_name,
    state::{State, Stateful},
};

/// A number for each batch, averaged over the items after the last batch. `O` is the output of the model.
///
/// Any function or closure that takes `(output, target)` is a metric. It returns a number, or a tensor of one element (which is
/// read only at the end, so that no batch waits for the device), or a `Result` of either.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a metric for a model whose output is `{O}`",
    label = "it takes another output: pass a closure `|output: &{O}, target: &Target| …`, or implement `Metric<{O}>`"
)]
pub trait Metric<O: Output = Tensor>: Any + Send {
    /// Returns the value for a batch, the mean over its items, as a tensor of one element. A metric [of the whole set](Self::over_set) does not need
    /// it.
    ///
    /// # Errors
    /// If output and target do not fit each other.
    fn measure(&self, output: &O, target: &Target) -> Result<Tensor, BoxError> {
        let _ = (output, target);
        Err("it has no value for a batch: implement `measure`, or `over_set` for a value of the whole set".into())
    }

    /// Returns `Some(self)` if the metric is one of the whole set, and not the mean over the items of the batches' values. Defaults to `None`.
    fn over_set(&mut self) -> Option<&mut dyn OverSet<O>> {
        None
    }

    /// The name of the metric's column.
    fn name(&self) -> String {
        short_type_name::<Self>()
    }

    /// Whether a smaller number is better; `None` if that is not known. It is known for the metrics in this module.
    fn less_is_better(&self) -> Option<bool> {
        match self.name().as_str() {
            "accuracy" => Some(false),
            "error_rate" | "mae" | "mse" => Some(true),
            _ => None,
        }
    }

    /// Returns `Some(self)` if the metric is [`Stateful`]: the learner then saves and loads what it remembers. Defaults to `None`.
    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        None
    }
}

/// What a metric's function may return.
pub trait IntoValue {
    /// Converts it to what [`Metric::measure`] returns.
    ///
    /// # Errors
    /// The error of the function.
    fn into_value(self) -> Result<Tensor, BoxError>;
}

impl IntoValue for Tensor {
    fn into_value(self) -> Result<Tensor, BoxError> {
        Ok(self)
    }
}

impl IntoValue for f64 {
    fn into_value(self) -> Result<Tensor, BoxError> {
        Ok(Tensor::f_from_slice(&[self])?.f_reshape([0_i64; 0])?)
    }
}

impl<V: IntoValue, E: Into<BoxError>> IntoValue for Result<V, E> {
    fn into_value(self) -> Result<Tensor, BoxError> {
        self.map_err(Into::into)?.into_value()
    }
}

impl<F, O, V> Metric<O> for F
where
    F: Fn(&O, &Target) -> V + Send + 'static,
    O: Output,
    V: IntoValue,
{
    fn measure(&self, output: &O, target: &Target) -> Result<Tensor, BoxError> {
        self(output, target).into_value()
    }
}

/// A metric as the learner holds it, whatever output it takes.
pub(crate) struct MetricFunc(Box<dyn Metric<AnyOutput>>);

/// A metric with the type of its output.
struct Of<O, M> {
    metric: M,
    output: PhantomData<fn(&O)>,
}

impl<O: Output, M: Metric<O>> Metric<AnyOutput> for Of<O, M> {
    fn measure(&self, output: &AnyOutput, target: &Target) -> Result<Tensor, BoxError> {
        self.metric.measure(output.get()?, target)
    }

    fn name(&self) -> String {
        self.metric.name()
    }

    fn less_is_better(&self) -> Option<bool> {
        self.metric.less_is_better()
    }

    fn over_set(&mut self) -> Option<&mut dyn OverSet<AnyOutput>> {
        match self.metric.over_set() {
            Some(_) => Some(self),
            None => None,
        }
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.metric.stateful()
    }
}

impl<O: Output, M: Metric<O>> OverSet<AnyOutput> for Of<O, M> {
    fn push(&mut self, output: &AnyOutput, target: &Target) -> Result<(), BoxError> {
        let output = output.get()?;
        self.metric.over_set().map_or(Ok(()), |metric| metric.push(output, target))
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        self.metric.over_set().map_or_else(|| Err("it is no metric of the whole set any more".into()), OverSet::value)
    }

    fn reset(&mut self) {
        if let Some(metric) = self.metric.over_set() {
            metric.reset();
        }
    }

    fn merge(&mut self, other: &State) -> Result<(), BoxError> {
        self.metric.over_set().map_or(Ok(()), |metric| metric.merge(other))
    }
}

impl MetricFunc {
    pub(crate) fn new<O: Output>(metric: impl Metric<O>) -> Self {
        Self(Box::new(Of { metric, output: PhantomData }))
    }
}

impl Metric<AnyOutput> for MetricFunc {
    fn measure(&self, output: &AnyOutput, target: &Target) -> Result<Tensor, BoxError> {
        self.0.measure(output, target)
    }

    fn name(&self) -> String {
        self.0.name()
    }

    fn less_is_better(&self) -> Option<bool> {
        self.0.less_is_better()
    }

    fn over_set(&mut self) -> Option<&mut dyn OverSet<AnyOutput>> {
        self.0.over_set()
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.0.stateful()
    }
}

/// Why a metric could not be computed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The shapes of output and target do not fit each other.
    #[error("the metric wants {wanted}: the output is {output:?} and the target {target:?}")]
    Shapes {
        /// What would fit.
        wanted: &'static str,
        /// The output's shape.
        output: Vec<i64>,
        /// The target's shape.
        target: Vec<i64>,
    },
    /// The metric does not take a target of this kind.
    #[error("{metric} takes {wanted}, and the target is {got}")]
    TargetKind {
        /// The metric.
        metric: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What the target is.
        got: &'static str,
    },
    /// The metric returned several numbers for a batch, or none.
    #[error(
        "the metric returned a tensor of the shape {got:?}: it must be one number for each batch, the mean over its items"
    )]
    NotOne {
        /// The shape of the returned tensor.
        got: Vec<i64>,
    },
    /// The target can't be used for the metric.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// libtorch returned an error.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(MetricError);

/// The share of items for which the right class has the highest score.
///
/// Output `[n, classes]` or `[n, classes, d…]`; class indices `[n]` or `[n, d…]`, or dense targets of the output's shape,
/// whose highest value is the class. In a mixed target the heavier one counts: the first if its weight is at least 0.5,
/// otherwise the second.
///
/// ```
/// use mixup::{batch::Target, metrics::accuracy};
/// use tch::Tensor;
///
/// let scores = Tensor::from_slice(&[0.9_f32, 0.1, 0.9, 0.1]).reshape([2, 2]); // class 0 for both items
/// let classes = |classes: &[i64]| Box::new(Target::from(Tensor::from_slice(classes)));
/// let weight = Tensor::from_slice(&[0.7_f32, 0.3]);
/// let target = Target::Mixed { first: classes(&[0, 1]), second: classes(&[1, 0]), weight };
/// assert_eq!(accuracy(&scores, &target)?.double_value(&[]), 1.0);
/// # Ok::<(), mixup::metrics::MetricError>(())
/// ```
///
/// # Errors
/// If the shapes do not fit, or for several targets.
pub fn accuracy(output: &Tensor, target: &Target) -> Result<Tensor, MetricError> {
    share_of_hits("accuracy", output, target)
}

/// One minus the [`accuracy`].
///
/// # Errors
/// As [`accuracy`].
pub fn error_rate(output: &Tensor, target: &Target) -> Result<Tensor, MetricError> {
    Ok(share_of_hits("error_rate", output, target)?.f_neg()?.f_add_scalar_(1.0)?)
}

fn share_of_hits(metric: &'static str, output: &Tensor, target: &Target) -> Result<Tensor, MetricError> {
    let (guess, right) = confusion::guess_and_right(metric, output, target)?;
    Ok(guess.f_eq_tensor(&right)?.f_mean(Kind::Float)?)
}

/// The mean absolute error. Output and dense target have the same shape; in a mixed target the heavier one counts.
///
/// # Errors
/// Shapes that do not fit; class indices and several targets.
pub fn mae(output: &Tensor, target: &Target) -> Result<Tensor, MetricError> {
    Ok(difference("mae", output, target)?.f_abs()?.f_mean(output.kind())?)
}

/// The mean squared error. Output and dense target have the same shape; in a mixed target the heavier one counts.
///
/// # Errors
/// Shapes that do not fit; class indices and several targets.
pub fn mse(output: &Tensor, target: &Target) -> Result<Tensor, MetricError> {
    Ok(difference("mse", output, target)?.f_square()?.f_mean(output.kind())?)
}

fn difference(metric: &'static str, output: &Tensor, target: &Target) -> Result<Tensor, MetricError> {
    match target.heavier()? {
        Target::Dense(dense) if dense.size() == output.size() => Ok(output.f_sub(&dense)?),
        Target::Dense(dense) => {
            let (output, target) = (output.size(), dense.size());
            Err(MetricError::Shapes { wanted: "a target of the output's shape", output, target })
        }
        Target::Several(_) => Err(MetricError::TargetKind { metric, wanted: ONE, got: "several targets" }),
        other => Err(MetricError::TargetKind { metric, wanted: "dense values", got: other.kind_name() }),
    }
}

/// What a metric for one target takes, as the message for several targets says it.
const ONE: &str = "one target; a closure can pick one of several and its part of the output";
