//! Values that callbacks publish and read by name. Metrics and the training's own numbers are values too.

use std::{fmt, mem};

use tch::{TchError, Tensor};

use super::{
    ReadError,
    series::{Series, Shared},
    smooth::SmoothLoss,
};
use crate::{
    names::listed,
    state::{State, StateError, Stateful},
};

/// A number with a name, which callbacks publish (`grad_norm: &mut Value`) and read (`grad_norm: &Value`).
///
/// A value is set to one number: an `f64`, or a tensor of one element, which stays on its device until somebody reads it. If it is set in
/// each batch, [`read`](Self::read) returns the last number and [`mean`](Self::mean) the mean over the epoch. For a metric, both return its
/// mean over the items of the last validation.
///
/// ```
/// use mixup::prelude::*;
///
/// struct GradNorm;
///
/// #[callback]
/// impl GradNorm {
///     fn on_backward_end(gradients: &Gradients, grad_norm: &mut Value) -> Result<(), GradientError> {
///         grad_norm.set(gradients.norm_tensor()?);
///         Ok(())
///     }
/// }
///
/// struct StopAtNorm(f64);
///
/// #[callback]
/// impl StopAtNorm {
///     #[on(batch_end, train)]
///     fn stop(&self, grad_norm: &Value) -> Result<Option<StopTraining>, ReadError> {
///         let reached = grad_norm.read()?.is_some_and(|norm| norm < self.0);
///         Ok(reached.then(|| StopTraining::because("the gradients are small")))
///     }
/// }
/// ```
pub struct Value {
    name: String,
    less_is_better: Option<bool>,
    source: Source,
}

/// Where a value's numbers come from; clones share the numbers.
#[derive(Clone)]
enum Source {
    /// A callback sets the numbers.
    Published(Shared<Published>),
    /// The learner measures the numbers on the validation data; these are from the last validation.
    Measured(Shared<Shared<Series>>),
    /// The learner smooths the training losses.
    Smoothed(Shared<SmoothLoss>),
}

/// The numbers that a callback has set, in this epoch and before.
#[derive(Default)]
struct Published {
    epoch: Shared<Series>,
    before: Shared<Series>,
    /// The error of a number that was set.
    fault: Option<TchError>,
}

/// A type that a [`Value`] can be set to: a number, or a tensor of one element.
pub trait IntoNumber {
    /// Converts the number to a tensor.
    ///
    /// # Errors
    /// Any error from libtorch.
    fn into_number(self) -> Result<Tensor, TchError>;
}

impl IntoNumber for f64 {
    fn into_number(self) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(&[self])
    }
}

impl IntoNumber for Tensor {
    fn into_number(self) -> Result<Tensor, TchError> {
        Ok(self)
    }
}

impl IntoNumber for &Tensor {
    fn into_number(self) -> Result<Tensor, TchError> {
        Ok(self.shallow_clone())
    }
}

impl Value {
    pub(crate) fn published(name: &str) -> Self {
        Self::new(name, Source::Published(Shared::default()))
    }

    pub(crate) fn measured(name: &str, less_is_better: Option<bool>) -> Self {
        Self { less_is_better, ..Self::new(name, Source::Measured(Shared::default())) }
    }

    pub(crate) fn smoothed(name: &str, losses: &Shared<SmoothLoss>) -> Self {
        Self { less_is_better: Some(true), ..Self::new(name, Source::Smoothed(losses.clone())) }
    }

    fn new(name: &str, source: Source) -> Self {
        Self { name: name.to_owned(), less_is_better: None, source }
    }

    /// The name of the value.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets the value, without waiting for the device. A tensor must have one element; otherwise the training ends after the hook with
    /// an error that says so.
    ///
    /// This has no effect on metrics and the training's own numbers, which the learner sets.
    pub fn set(&mut self, number: impl IntoNumber) {
        let Source::Published(published) = &self.source else { return };
        let mut published = published.lock();
        let pushed = number.into_number().and_then(|number| published.epoch.lock().push(&number, 1));
        if let Err(fault) = pushed {
            published.fault.get_or_insert(fault);
        }
    }

    /// The number that was set last in this training; for a metric, its mean over the last validation. `None` if there is none yet. Waits
    /// for the device.
    ///
    /// # Errors
    /// [`ReadError`] if it can't be read from the device.
    pub fn read(&self) -> Result<Option<f64>, ReadError> {
        let read = match &self.source {
            Source::Published(published) => published.lock().last(),
            Source::Measured(last) => last.lock().lock().mean(),
            Source::Smoothed(losses) => losses.lock().value().map(|loss| (!loss.is_nan()).then_some(loss)),
        };
        self.named(read)
    }

    /// The mean of the numbers that were set in this epoch; `None` if there are none. Metrics and the training's own numbers have only one
    /// number, which is returned here too. Waits for the device.
    ///
    /// # Errors
    /// [`ReadError`] if it can't be read from the device.
    pub fn mean(&self) -> Result<Option<f64>, ReadError> {
        match &self.source {
            Source::Published(published) => self.named(published.lock().epoch.lock().mean()),
            _ => self.read(),
        }
    }

    /// The numbers that are set in this epoch, to be read later. Does not wait for the device. `None` for a metric and for the training's own
    /// numbers.
    #[must_use]
    pub fn numbers(&self) -> Option<Numbers> {
        Some(Numbers { name: self.name.clone(), series: self.of_epoch()? })
    }

    fn named<T>(&self, read: Result<T, TchError>) -> Result<T, ReadError> {
        read.map_err(|source| ReadError::new(&self.name, source))
    }

    /// Whether a smaller number is better: true for losses and errors, false for an accuracy, `None` if it is not known.
    #[must_use]
    pub fn less_is_better(&self) -> Option<bool> {
        self.less_is_better
    }

    /// Declares whether a smaller number is better.
    pub fn set_less_is_better(&mut self, less: bool) {
        self.less_is_better = Some(less);
    }

    /// A value with the same name that shares the numbers.
    pub(crate) fn share(&self) -> Self {
        Self { name: self.name.clone(), less_is_better: self.less_is_better, source: self.source.clone() }
    }

    /// Begins a new epoch, to which all numbers belong that are set from now on.
    pub(crate) fn begin_epoch(&self) {
        if let Source::Published(published) = &self.source {
            let mut published = published.lock();
            // Also without numbers: the next epoch's must not be added to this one's.
            let ended = mem::take(&mut published.epoch);
            if !ended.lock().is_empty() {
                published.before = ended;
            }
        }
    }

    /// The numbers that were published in this epoch, to be read later; `None` for what the learner measures.
    pub(crate) fn of_epoch(&self) -> Option<Shared<Series>> {
        match &self.source {
            Source::Published(published) => Some(published.lock().epoch.clone()),
            _ => None,
        }
    }

    /// Takes the error of a number that was set.
    pub(crate) fn take_fault(&self) -> Option<TchError> {
        match &self.source {
            Source::Published(published) => published.lock().fault.take(),
            _ => None,
        }
    }

    /// Connects the value with what a validation measures.
    pub(crate) fn measure(&self, series: &Shared<Series>) {
        if let Source::Measured(last) = &self.source {
            *last.lock() = series.clone();
        }
    }
}

/// The numbers that were set or measured so far.
impl Stateful for Value {
    fn save(&self) -> Result<State, StateError> {
        let state = State::new().with("less_is_better", &self.less_is_better)?;
        match &self.source {
            Source::Published(published) => {
                let published = published.lock();
                state.with_part("epoch", &published.epoch)?.with_part("before", &published.before)
            }
            Source::Measured(last) => state.with_part("last", &*last.lock()),
            Source::Smoothed(_) => Ok(state), // these are saved once for all that read them
        }
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.less_is_better = state.field("less_is_better")?;
        match &self.source {
            Source::Published(published) => {
                let published = &mut *published.lock();
                state.part("epoch")?.load_into(&mut published.epoch)?;
                state.part("before")?.load_into(&mut published.before)
            }
            Source::Measured(last) => state.part("last")?.load_into(&mut *last.lock()),
            Source::Smoothed(_) => Ok(()),
        }
    }
}

/// The numbers that a callback publishes under a name in one epoch, to be read later: [`Value::numbers`].
#[derive(Clone, Debug)]
pub struct Numbers {
    pub(super) name: String,
    pub(super) series: Shared<Series>,
}

impl Numbers {
    /// The name of the value.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All numbers, in the order in which they were set. Waits for the device.
    ///
    /// # Errors
    /// [`ReadError`] if they can't be read from the device.
    pub fn read(&self) -> Result<Vec<f64>, ReadError> {
        let read = self.series.lock().numbers().map(<[f64]>::to_vec);
        read.map_err(|source| ReadError::new(&self.name, source))
    }
}

impl Published {
    fn last(&self) -> Result<Option<f64>, TchError> {
        match self.epoch.lock().last()? {
            None => self.before.lock().last(),
            last => Ok(last),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Several values: all of them (`values: &Values`), or those whose names an instance chooses (`#[names = self.layers()] stats: &mut
/// Values`).
#[derive(Debug, Default)]
pub struct Values(Vec<Value>);

impl Values {
    pub(crate) fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        Self(values.into_iter().map(Value::share).collect())
    }

    /// Returns the value with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|value| value.name == name)
    }

    /// Iterates over the values in the order in which they were declared.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    /// Iterates over the values that callbacks publish.
    pub fn published(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(|value| matches!(value.source, Source::Published(_)))
    }

    /// Sets one of the values, like [`Value::set`].
    ///
    /// # Errors
    /// [`NoValue`] if none of the values has this name.
    pub fn set(&mut self, name: &str, number: impl IntoNumber) -> Result<(), NoValue> {
        match self.0.iter_mut().find(|value| value.name == name) {
            Some(value) => {
                value.set(number);
                Ok(())
            }
            None => {
                Err(NoValue { name: name.to_owned(), known: self.0.iter().map(|value| value.name.clone()).collect() })
            }
        }
    }
}

/// No value has the name that was asked for.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no value `{name}` here: there are {}", listed(known))]
pub struct NoValue {
    /// The name.
    pub name: String,
    /// The names of all values.
    pub known: Vec<String>,
}

crate::error::debug_with_sources!(NoValue);
