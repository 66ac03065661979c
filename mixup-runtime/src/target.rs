//! What the model should say: class indices, dense values, or two targets mixed. Never guessed from a shape.

use tch::{Device, Kind, Tensor};

use crate::input::items;

/// The target of a batch, by kind.
///
/// fastai v1 packs two labels and a weight into the columns of one float tensor; here they stay apart, so that no label
/// is lost to half precision and no plain target is taken for a mixed one.
#[derive(Debug)]
pub enum Target {
    /// Class indices, `i64`, `[n]` (or `[n, …]`, one for each position).
    Classes(Tensor),
    /// Values of a floating kind, `[n]` or `[n, …]`: regression, one-hot and soft labels, several labels per item.
    Dense(Tensor),
    /// Two targets for each item and the weight of the first: MixUp's target.
    Mixed {
        /// The item's own target.
        first: Box<Target>,
        /// Its partner's target.
        second: Box<Target>,
        /// The weight of `first` for each item, `[n]`, floating; `second` has one minus it.
        weight: Tensor,
    },
}

impl Target {
    /// How many items the target speaks of: the first dimension.
    #[must_use]
    pub fn items(&self) -> usize {
        match self {
            Self::Classes(tensor) | Self::Dense(tensor) => items(tensor),
            Self::Mixed { first, .. } => first.items(),
        }
    }

    /// The tensor of a plain target; of a mixed one, the tensor of `first`, whose weight is the heavier.
    #[must_use]
    pub fn tensor(&self) -> &Tensor {
        match self {
            Self::Classes(tensor) | Self::Dense(tensor) => tensor,
            Self::Mixed { first, .. } => first.tensor(),
        }
    }

    /// Whether two targets are mixed here.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        matches!(self, Self::Mixed { .. })
    }

    /// The same target on `device`; what lies there already is shared, not copied.
    ///
    /// # Errors
    /// What libtorch says when the device has no room or is not there.
    pub fn to_device(&self, device: Device) -> Result<Self, tch::TchError> {
        Ok(match self {
            Self::Classes(tensor) => Self::Classes(tensor.f_to_device(device)?),
            Self::Dense(tensor) => Self::Dense(tensor.f_to_device(device)?),
            Self::Mixed { first, second, weight } => Self::Mixed {
                first: Box::new(first.to_device(device)?),
                second: Box::new(second.to_device(device)?),
                weight: weight.f_to_device(device)?,
            },
        })
    }
}

/// By kind: integers and booleans become class indices (`i64`), everything else dense values.
impl From<Tensor> for Target {
    fn from(tensor: Tensor) -> Self {
        match tensor.kind() {
            Kind::Int64 => Self::Classes(tensor),
            Kind::Uint8 | Kind::Int8 | Kind::Int16 | Kind::Int | Kind::Bool => {
                Self::Classes(tensor.to_kind(Kind::Int64))
            }
            _ => Self::Dense(tensor),
        }
    }
}
