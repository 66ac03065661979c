//! A loss function made of named parts, each a loss function of its own for the same output and target.

use std::fmt;

use tch::Tensor;

use super::{
    Activate, Activation, IntoActivated, Loss, LossError, LossParts, Reduction,
    addends::{Addends, is_weight},
};
use crate::{
    batch::{Output, Target},
    error::BoxError,
    state::Stateful,
};

/// The weighted sum of several loss functions for one output, whatever its type. Each part has a name, under which the learner
/// publishes it: `recon` is its mean in training and `valid_recon` that over the validation data. Both are columns of the table
/// and of the report, and callbacks read them with `recon: &Value` and `valid_recon: &Value`. They are without the weight.
///
/// A part is any loss function for the output: a closure with three arguments, [`per_item`](super::per_item),
/// [`of_batch`](super::of_batch), or one of the library's own. With `Mean` the loss is the weighted sum of the parts' means. With
/// `None` it is `[n]`; if a part has several losses for an item, their mean counts. `Sum` is the sum of these. Mixed targets are
/// mixed part by part. Activation: that of the first part, or the closure given to [`activation`](Self::activation).
///
/// For several targets with a part of the output each, there is [`MultiTask`](super::MultiTask).
///
/// ```
/// use mixup::prelude::*;
/// use tch::{Device, Kind, Tensor, nn};
///
/// # fn main() -> Result<(), BoxError> {
/// let (x, y) = (Tensor::rand([32, 4], (Kind::Float, Device::Cpu)), Tensor::randint(3, [32], (Kind::Int64, Device::Cpu)));
/// let data = Data::builder(TensorDataset::new(&x, &y)?).valid(TensorDataset::new(&x, &y)?).batch_size(8).build()?;
/// let loss = LossSum::new()
///     .part("class", 1.0, CrossEntropy::default())?
///     .part("large", 0.01, per_item(|output: &Tensor, _: &Target| output.square().sum_dim_intlist(1, false, Kind::Float)))?;
/// let mut learn = Learner::builder(data, |vs| nn::linear(vs / "only", 4, 3, Default::default())).loss(loss).quiet().build()?;
/// let report = learn.fit(2, 1e-2)?;
/// let (class, large) = (report.value("class").ok_or("published")?, report.value("large").ok_or("published")?);
/// assert!(class > 0.0 && large > 0.0);
/// let last = report.last().ok_or("two epochs")?;
/// let measured = report.metric("valid_class").ok_or("measured")? + 0.01 * report.metric("valid_large").ok_or("measured")?;
/// assert!((last.valid_loss.ok_or("validated")? - measured).abs() < 1e-5);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "log", alias = "log_dict", alias = "loss_weights", alias = "combined loss")]
pub struct LossSum<O: Output = Tensor> {
    parts: Addends<O>,
    activation: Option<Box<dyn Activate<O>>>,
}

impl<O: Output> Default for LossSum<O> {
    fn default() -> Self {
        Self { parts: Addends::default(), activation: None }
    }
}

impl<O: Output> LossSum<O> {
    const NAME: &str = "LossSum";

    /// Creates a loss function without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part: its name, its weight, and its loss function.
    ///
    /// # Errors
    /// [`LossError::PartWeight`] if the weight is negative or not a finite number; [`LossError::PartName`] if the name is empty,
    /// or that of another part. That a metric or a callback's value has the name already is found when the learner is built.
    pub fn part(mut self, name: impl Into<String>, weight: f64, loss: impl Loss<O>) -> Result<Self, LossError> {
        let name = name.into();
        if !is_weight(weight) {
            return Err(LossError::PartWeight { part: name, weight });
        }
        self.parts.push(weight, loss);
        self.parts.name_last(Self::NAME, name)?;
        Ok(self)
    }

    /// Sets the activation for predictions. The closure returns an output, or a result with any error.
    #[must_use]
    pub fn activation<R: IntoActivated<O>>(mut self, activation: impl Fn(&O) -> R + Send + 'static) -> Self {
        self.activation = Some(Box::new(activation));
        self
    }
}

impl<O: Output> Loss<O> for LossSum<O> {
    fn loss(&self, output: &O, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        Ok(self.loss_in_parts(output, target, reduction)?.total)
    }

    fn parts(&self) -> Vec<String> {
        self.parts.names()
    }

    fn loss_in_parts(&self, output: &O, target: &Target, reduction: Reduction) -> Result<LossParts, BoxError> {
        let judge = |_, loss: &dyn Loss<O>, reduction| loss.loss(output, target, reduction);
        self.parts.sum(Self::NAME, target.items(), reduction, judge)
    }

    fn mixed_loss(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, BoxError> {
        Ok(self.mixed_loss_in_parts(output, first, second, weight, reduction)?.total)
    }

    fn mixed_loss_in_parts(
        &self,
        output: &O,
        first: &Target,
        second: &Target,
        weight: &Tensor,
        reduction: Reduction,
    ) -> Result<LossParts, BoxError> {
        let judge = |_, loss: &dyn Loss<O>, reduction| loss.mixed_loss(output, first, second, weight, reduction);
        self.parts.sum(Self::NAME, first.items(), reduction, judge)
    }

    fn activation(&self, output: &O) -> Result<O, BoxError> {
        match (&self.activation, self.parts.iter().next()) {
            (Some(activation), _) => activation.activate(output),
            (None, Some(first)) => first.loss.borrow().activation(output),
            (None, None) => Ok(crate::batch::shallow_clone(output)?),
        }
    }

    fn known_activation(&self) -> Option<Activation> {
        match &self.activation {
            Some(activation) => activation.known(),
            None => self.parts.iter().next().and_then(|first| first.loss.borrow().known_activation()),
        }
    }

    fn per_item(&self) -> bool {
        self.parts.per_item()
    }

    /// Checks each part.
    fn check(&self, output: &O, target: &Target) -> Result<(), BoxError> {
        self.parts.check(|_, loss| loss.check(output, target))
    }

    fn name(&self) -> String {
        format!("{}({})", Self::NAME, self.parts.names().join(", "))
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        if self.parts.has_state() { Some(&mut self.parts) } else { None }
    }
}

impl<O: Output> fmt::Debug for LossSum<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |name: &Option<String>, loss: String, weight| {
            format!("{}: {loss}, weight {weight}", name.as_deref().unwrap_or_default())
        };
        let parts = self.parts.iter().map(|it| part(&it.name, it.loss.borrow().name(), it.weight));
        f.debug_list().entries(parts).finish()
    }
}
