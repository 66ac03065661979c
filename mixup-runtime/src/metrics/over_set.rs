//! Metrics that are computed from the whole set, because the mean over batches would be another number.

use tch::Tensor;

use crate::{
    batch::{Output, Target},
    error::BoxError,
    state::{State, StateError, Stateful},
};

/// A metric of the whole set: it is given each batch, and has one value after the last. [`Metric::over_set`](super::Metric::over_set) declares it.
///
/// Its state stays on the device, so that no batch waits. It is [`Stateful`](crate::state::Stateful), so that a training goes on in the middle of a
/// validation.
///
/// ```
/// use mixup::{metrics::{Metric, OverSet}, prelude::*};
/// use tch::{Kind, Tensor};
///
/// /// The largest error of all items.
/// #[derive(Default)]
/// struct MaxError(Option<Tensor>);
///
/// impl OverSet for MaxError {
///     fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
///         let now = output.f_sub(target.tensor())?.f_abs()?.f_max()?;
///         self.0 = Some(match &self.0 {
///             Some(before) => before.f_maximum(&now)?,
///             None => now,
///         });
///         Ok(())
///     }
///
///     fn value(&mut self) -> Result<Tensor, BoxError> {
///         self.0.as_ref().map(Tensor::shallow_clone).ok_or_else(|| "there was no batch".into())
///     }
///
///     fn reset(&mut self) {
///         self.0 = None;
///     }
///
///     /// For trainings of several processes, which measure a part each.
///     fn merge(&mut self, other: &State) -> Result<(), BoxError> {
///         let mut it = Self::default();
///         other.load_into(&mut it)?;
///         self.0 = match (self.0.take(), it.0) {
///             (Some(own), Some(other)) => Some(own.f_maximum(&other)?),
///             (own, other) => own.or(other),
///         };
///         Ok(())
///     }
/// }
///
/// impl Stateful for MaxError {
///     fn save(&self) -> Result<State, StateError> {
///         self.0.save()
///     }
///
///     fn load(&mut self, state: &State) -> Result<(), StateError> {
///         self.0.load(state)
///     }
/// }
///
/// impl Metric for MaxError {
///     fn over_set(&mut self) -> Option<&mut dyn OverSet> {
///         Some(self)
///     }
///
///     fn stateful(&mut self) -> Option<&mut dyn Stateful> {
///         Some(self)
///     }
/// }
/// ```
pub trait OverSet<O: Output = Tensor> {
    /// Adds a batch, without waiting for the device.
    ///
    /// # Errors
    /// If output and target do not fit each other.
    fn push(&mut self, output: &O, target: &Target) -> Result<(), BoxError>;

    /// The value for all batches since the last [`reset`](Self::reset), as a tensor of one element.
    ///
    /// # Errors
    /// Any error.
    fn value(&mut self) -> Result<Tensor, BoxError>;

    /// Forgets all batches.
    fn reset(&mut self);

    /// Adds the batches of another metric of this type, which has measured another part of the data; `other` is its state. Trainings of several
    /// processes that divide the validation among them need it. Defaults to an error that says so.
    ///
    /// # Errors
    /// A state that does not fit, and any error of yours.
    fn merge(&mut self, other: &State) -> Result<(), BoxError> {
        let _ = other;
        Err("it can't be joined with what other processes have measured: implement `OverSet::merge`".into())
    }
}

/// Declares a type of this module that implements `OverSet` and `Stateful` as a metric.
macro_rules! over_set {
    ($metric:ident, $name:expr, less_is_better: $less:expr) => {
        impl $crate::metrics::Metric for $metric {
            fn name(&self) -> String {
                let name: fn(&Self) -> String = $name;
                name(self)
            }

            fn less_is_better(&self) -> Option<bool> {
                Some($less)
            }

            fn over_set(&mut self) -> Option<&mut dyn $crate::metrics::OverSet> {
                Some(self)
            }

            fn stateful(&mut self) -> Option<&mut dyn $crate::state::Stateful> {
                Some(self)
            }
        }
    };
}

/// Another metric's field, which is its state.
pub(super) fn of_state<T: Stateful + Default>(state: &State) -> Result<T, StateError> {
    let mut field = T::default();
    state.load_into(&mut field)?;
    Ok(field)
}

/// Joins a tensor with that of another metric, whose state it is.
pub(super) fn merge_tensor(
    own: &mut Option<Tensor>,
    other: &State,
    join: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor, BoxError>,
) -> Result<(), BoxError> {
    if let Some(other) = of_state::<Option<Tensor>>(other)? {
        *own = Some(match own {
            Some(own) => join(own, &other.f_to_device(own.device())?)?,
            None => other,
        });
    }
    Ok(())
}

/// Declares that the state of a type is one of its fields.
macro_rules! state_is {
    ($metric:ident, $field:ident) => {
        impl $crate::state::Stateful for $metric {
            fn save(&self) -> Result<$crate::state::State, $crate::state::StateError> {
                self.$field.save()
            }

            fn load(&mut self, state: &$crate::state::State) -> Result<(), $crate::state::StateError> {
                self.$field.load(state)
            }
        }
    };
}

pub(super) use {over_set, state_is};
