//! The input of the model: one tensor, several tensors, or MixUp's triple.

use tch::{Device, TchError, Tensor};

use super::{MakeMutError, make_mut};

/// The input of a batch for the model.
///
/// The first dimension of every tensor is the batch: `[n, …]`.
#[derive(Debug)]
pub enum Input {
    /// One tensor `[n, …]`, which nearly every model takes.
    Tensor(Tensor),
    /// Several tensors `[n, …]`, for models with several inputs.
    Tensors(Vec<Tensor>),
    /// MixUp's triple, still unmixed (`stack_x = true`): the items, their partners, and the weights of the items.
    Stacked {
        /// The items of the batch, `[n, …]`.
        first: Tensor,
        /// Each item's partner, `[n, …]`.
        second: Tensor,
        /// The weight of `first` for each item, `[n]`, from 0 to 1; with the defaults of `MixUp`, from 0.5 to 1.
        weight: Tensor,
    },
}

impl Input {
    /// How many items the batch has: the first dimension, or 0 if there is none.
    #[must_use]
    pub fn items(&self) -> usize {
        self.tensors().first().map_or(0, |tensor| items(tensor))
    }

    /// All tensors, in the order of their fields.
    #[must_use]
    pub fn tensors(&self) -> Vec<&Tensor> {
        match self {
            Self::Tensor(tensor) => vec![tensor],
            Self::Tensors(tensors) => tensors.iter().collect(),
            Self::Stacked { first, second, weight } => vec![first, second, weight],
        }
    }

    /// The single tensor, for a model that takes one.
    ///
    /// # Errors
    /// An [`InputError`] if the input is not one tensor; it says what the input is.
    pub fn one(&self) -> Result<&Tensor, InputError> {
        match self {
            Self::Tensor(tensor) => Ok(tensor),
            Self::Tensors(tensors) => match &tensors[..] {
                [tensor] => Ok(tensor),
                _ => Err(InputError::Several { tensors: tensors.len() }),
            },
            Self::Stacked { .. } => Err(InputError::Stacked),
        }
    }

    /// The single tensor, to be changed in place: copied first, unless the batch was made for this step alone. So the change never reaches
    /// the data.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// /// Centres each batch.
    /// struct Centre;
    ///
    /// #[callback]
    /// impl Centre {
    ///     fn on_batch_begin(&self, last_input: &mut Input) -> Result<(), BoxError> {
    ///         let x = last_input.make_mut()?;
    ///         let mean = x.f_mean(x.kind())?;
    ///         let _ = x.f_sub_(&mean)?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let data = ImageData::digits()?.build()?;
    /// let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10])).callback(Centre).quiet().build()?;
    /// learn.fit(1, 1e-3)?;
    /// # Ok::<(), BoxError>(())
    /// ```
    ///
    /// # Errors
    /// A [`MakeMutError`] if the input is not one tensor, or if there is no memory for the copy.
    pub fn make_mut(&mut self) -> Result<&mut Tensor, MakeMutError> {
        match self {
            Self::Tensor(tensor) => Ok(make_mut(tensor)?),
            Self::Tensors(tensors) => match &mut tensors[..] {
                [tensor] => Ok(make_mut(tensor)?),
                tensors => Err(MakeMutError::SeveralInputs { tensors: tensors.len() }),
            },
            Self::Stacked { .. } => Err(MakeMutError::Mixed { what: "input" }),
        }
    }

    /// Concatenates the inputs of several batches, all of the form of the first.
    pub(crate) fn join(inputs: &[&Self]) -> Result<Self, TchError> {
        let Some(first) = inputs.first() else { return Ok(Self::Tensors(Vec::new())) };
        let count = first.tensors().len();
        if let Some(other) = inputs.iter().map(|input| input.tensors().len()).find(|&other| other != count) {
            return Err(TchError::Shape(format!("one batch has {count} inputs and another has {other}")));
        }
        let nth = |n: usize| {
            let parts: Vec<_> = inputs.iter().filter_map(|input| input.tensors().get(n).copied()).collect();
            Tensor::f_cat(&parts, 0)
        };
        Ok(match first {
            Self::Tensor(_) => Self::Tensor(nth(0)?),
            Self::Tensors(_) => Self::Tensors((0..count).map(nth).collect::<Result<_, _>>()?),
            Self::Stacked { .. } => Self::Stacked { first: nth(0)?, second: nth(1)?, weight: nth(2)? },
        })
    }

    /// The device of the first tensor.
    #[must_use]
    pub fn device(&self) -> Device {
        self.tensors().first().map_or(Device::Cpu, |tensor| tensor.device())
    }

    /// The same input on `device`. Tensors that are there already are shared, not copied.
    ///
    /// # Errors
    /// Any error from libtorch, for example if the device has no room or does not exist.
    pub fn to_device(&self, device: Device) -> Result<Self, TchError> {
        let to = |tensor: &Tensor| tensor.f_to_device(device);
        Ok(match self {
            Self::Tensor(tensor) => Self::Tensor(to(tensor)?),
            Self::Tensors(tensors) => Self::Tensors(tensors.iter().map(to).collect::<Result<_, _>>()?),
            Self::Stacked { first, second, weight } => {
                Self::Stacked { first: to(first)?, second: to(second)?, weight: to(weight)? }
            }
        })
    }
}

/// Shapes and kinds, as messages show them: `[64, 3, 28, 28] f32`.
impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, tensor) in self.tensors().into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{:?} {:?}", tensor.size(), tensor.kind())?;
        }
        Ok(())
    }
}

/// Why a model does not take an input.
#[derive(thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// The model takes one tensor and got several.
    #[error(
        "the model takes one tensor and got {tensors}: implement `Model` for it and take them from `Input::Tensors`"
    )]
    Several {
        /// How many tensors it got.
        tensors: usize,
    },
    /// The model takes one tensor and got MixUp's triple.
    #[error(
        "the model takes one tensor and got MixUp's triple (items, partners, weight): set `stack_x` to false, or \
         implement `Model` for it and take `Input::Stacked`"
    )]
    Stacked,
    /// The input does not have the shape that the model was built for.
    #[error("the model takes {wanted} and got {got:?}")]
    Shape {
        /// What the model takes.
        wanted: String,
        /// The shape of the input.
        got: Vec<i64>,
    },
}

crate::error::debug_with_sources!(InputError);

impl From<Tensor> for Input {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

/// The same tensor: both share its memory.
impl From<&Tensor> for Input {
    fn from(tensor: &Tensor) -> Self {
        Self::Tensor(tensor.shallow_clone())
    }
}

/// The same input: both share their memory.
impl From<&Input> for Input {
    fn from(input: &Input) -> Self {
        match input {
            Self::Tensor(tensor) => Self::Tensor(tensor.shallow_clone()),
            Self::Tensors(tensors) => Self::Tensors(tensors.iter().map(Tensor::shallow_clone).collect()),
            Self::Stacked { first, second, weight } => Self::Stacked {
                first: first.shallow_clone(),
                second: second.shallow_clone(),
                weight: weight.shallow_clone(),
            },
        }
    }
}

impl From<Vec<Tensor>> for Input {
    fn from(tensors: Vec<Tensor>) -> Self {
        Self::Tensors(tensors)
    }
}

impl<const N: usize> From<[Tensor; N]> for Input {
    fn from(tensors: [Tensor; N]) -> Self {
        Self::Tensors(tensors.into())
    }
}

impl From<(Tensor, Tensor)> for Input {
    fn from((first, second): (Tensor, Tensor)) -> Self {
        Self::from([first, second])
    }
}

impl From<(Tensor, Tensor, Tensor)> for Input {
    fn from((first, second, third): (Tensor, Tensor, Tensor)) -> Self {
        Self::from([first, second, third])
    }
}

/// The first dimension of a tensor, 0 for a scalar.
pub(crate) fn items(tensor: &Tensor) -> usize {
    tensor.size().first().map_or(0, |&n| usize::try_from(n).unwrap_or(0))
}
