//! What goes into the model: one tensor, several, or MixUp's triple.

use tch::{Device, Tensor};

/// What a batch gives to the model.
///
/// Every tensor's first dimension is the batch: `[n, …]`.
#[derive(Debug)]
pub enum Input {
    /// One tensor `[n, …]`: what nearly every model takes.
    Tensor(Tensor),
    /// Several tensors `[n, …]`, for models with several inputs.
    Tensors(Vec<Tensor>),
    /// MixUp's triple (`stack_x = true`): the items, their partners, and the weight of the first, still unmixed.
    Stacked {
        /// The batch as it came, `[n, …]`.
        first: Tensor,
        /// Each item's partner, `[n, …]`.
        second: Tensor,
        /// The weight of `first` for each item, `[n]`, between 0 and 1; 0.5 and 1 unless `MixUp` was told otherwise.
        weight: Tensor,
    },
}

impl Input {
    /// How many items the batch has: the first dimension, 0 where there is none.
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

    /// The one tensor that a model of one input takes.
    ///
    /// # Errors
    /// [`InputError`] says what the input is instead.
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

    /// Where the first tensor lies.
    #[must_use]
    pub fn device(&self) -> Device {
        self.tensors().first().map_or(Device::Cpu, |tensor| tensor.device())
    }

    /// The same input on `device`; what lies there already is shared, not copied.
    ///
    /// # Errors
    /// What libtorch says when the device has no room or is not there.
    pub fn to_device(&self, device: Device) -> Result<Self, tch::TchError> {
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

/// Shapes and kinds, as messages say them: `[64, 3, 28, 28] f32`.
impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, tensor) in self.tensors().into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{:?} {:?}", tensor.size(), tensor.kind())?;
        }
        Ok(())
    }
}

/// Why a model can't take an input.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// Several tensors for a model that takes one.
    #[error(
        "the model takes one tensor and got {tensors}: implement `Model` for it and take them from `Input::Tensors`"
    )]
    Several {
        /// How many.
        tensors: usize,
    },
    /// MixUp's triple for a model that takes one tensor.
    #[error(
        "the model takes one tensor and got MixUp's triple (items, partners, weight): set `stack_x` to false, or \
         implement `Model` for it and take `Input::Stacked`"
    )]
    Stacked,
    /// A shape that the model was not built for.
    #[error("the model takes {wanted} and got {got:?}")]
    Shape {
        /// What it takes.
        wanted: String,
        /// The shape that came.
        got: Vec<i64>,
    },
}

impl From<Tensor> for Input {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl From<Vec<Tensor>> for Input {
    fn from(tensors: Vec<Tensor>) -> Self {
        Self::Tensors(tensors)
    }
}

/// The first dimension of a tensor, 0 for a scalar.
pub(crate) fn items(tensor: &Tensor) -> usize {
    tensor.size().first().map_or(0, |&n| usize::try_from(n).unwrap_or(0))
}
