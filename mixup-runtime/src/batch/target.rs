//! The target of the model: class indices, dense values, several targets, or two mixed targets. It is never guessed from a shape.

use std::fmt;

use tch::{Device, Kind, TchError, Tensor};

use super::{MakeMutError, Several, input::items, make_mut};

/// The target of a batch, by kind.
///
/// fastai v1 packs two labels and a weight into the columns of one float tensor. Here they stay apart, so that no label
/// is lost to half precision and no plain target is mistaken for a mixed one. `Display` shows the kind and the shape.
#[derive(Debug)]
pub enum Target {
    /// Class indices, `i64`, `[n]`, or `[n, …]` with one for each position.
    Classes(Tensor),
    /// Values of a floating kind, `[n]` or `[n, …]`, for regression, one-hot and soft labels, and several labels per item.
    Dense(Tensor),
    /// Several targets for each item, for models with several tasks; created by [`Target::several`].
    Several(Several),
    /// MixUp's target: two targets for each item, and the weight of the first.
    Mixed {
        /// The item's own target.
        first: Box<Target>,
        /// Its partner's target.
        second: Box<Target>,
        /// The weight of `first` for each item, `[n]`, floating; the weight of `second` is one minus it.
        weight: Tensor,
    },
}

impl Target {
    /// Combines several targets for each item: a class and a number, or two classes.
    ///
    /// ```
    /// use mixup::batch::Target;
    /// use tch::Tensor;
    ///
    /// let digit = Target::from(Tensor::from_slice(&[3_i64, 7]));
    /// let slant = Target::from(Tensor::from_slice(&[0.1_f32, -0.2]));
    /// let both = Target::several([digit, slant])?;
    /// assert_eq!(both.to_string(), "class indices [2] and dense values [2]");
    /// # Ok::<(), mixup::batch::TargetError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Several::new`].
    pub fn several(targets: impl IntoIterator<Item = Self>) -> Result<Self, TargetError> {
        Several::new(targets).map(Self::Several)
    }

    /// How many items the target has: the first dimension.
    #[must_use]
    pub fn items(&self) -> usize {
        match self {
            Self::Classes(tensor) | Self::Dense(tensor) => items(tensor),
            Self::Several(several) => several.first().items(),
            Self::Mixed { first, .. } => first.items(),
        }
    }

    /// The tensor of a plain target. Of several targets it is that of the first one; of a mixed target it is that of `first`,
    /// which is the heavier one with the defaults of `MixUp`.
    pub fn tensor(&self) -> &Tensor {
        match self {
            Self::Classes(tensor) | Self::Dense(tensor) => tensor,
            Self::Several(several) => several.first().tensor(),
            Self::Mixed { first, .. } => first.tensor(),
        }
    }

    /// The tensor of a plain target, to be changed in place: copied first, unless the batch was made for this step alone, as in
    /// [`Input::make_mut`](super::Input::make_mut).
    ///
    /// # Errors
    /// A [`MakeMutError`] if the target is not one tensor, or if there is no memory for the copy.
    pub fn make_mut(&mut self) -> Result<&mut Tensor, MakeMutError> {
        match self {
            Self::Classes(tensor) | Self::Dense(tensor) => Ok(make_mut(tensor)?),
            Self::Several(several) => Err(MakeMutError::SeveralTargets { targets: several.len() }),
            Self::Mixed { .. } => Err(MakeMutError::Mixed { what: "target" }),
        }
    }

    /// All tensors, in the order of their fields.
    #[must_use]
    pub fn tensors(&self) -> Vec<&Tensor> {
        match self {
            Self::Classes(tensor) | Self::Dense(tensor) => vec![tensor],
            Self::Several(several) => several.targets().iter().flat_map(Self::tensors).collect(),
            Self::Mixed { first, second, weight } => [first.tensors(), second.tensors(), vec![weight]].concat(),
        }
    }

    /// A target that shares its tensors with this one.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        match self {
            Self::Classes(tensor) => Self::Classes(tensor.shallow_clone()),
            Self::Dense(tensor) => Self::Dense(tensor.shallow_clone()),
            Self::Several(several) => Self::Several(several.map(Self::shallow_clone)),
            Self::Mixed { first, second, weight } => Self::Mixed {
                first: Box::new(first.shallow_clone()),
                second: Box::new(second.shallow_clone()),
                weight: weight.shallow_clone(),
            },
        }
    }

    /// The target that weighs more. Of a mixed target it is, for each item, the heavier one, or `first` if both weigh the same;
    /// of several targets, the heavier of each. A plain target stays as it is.
    ///
    /// # Errors
    /// If the two mixed targets are not of one kind and shape.
    pub fn heavier(&self) -> Result<Self, TargetError> {
        match self {
            Self::Classes(_) | Self::Dense(_) => Ok(self.shallow_clone()),
            Self::Several(several) => Ok(Self::Several(several.try_map(Self::heavier)?)),
            Self::Mixed { first, second, weight } => {
                Self::choose(&first.heavier()?, &second.heavier()?, &weight.f_ge(0.5)?)
            }
        }
    }

    /// For each item `first` if `heavy` `[n]` is true, otherwise `second`. Both must be unmixed.
    fn choose(first: &Self, second: &Self, heavy: &Tensor) -> Result<Self, TargetError> {
        let choose = |first: &Tensor, second: &Tensor| {
            let mut shape = vec![1; first.dim()];
            if let Some(items) = shape.first_mut() {
                *items = -1;
            }
            first.f_where_self(&heavy.f_reshape(shape)?, second)
        };
        match (first, second) {
            (Self::Classes(first), Self::Classes(second)) => Ok(Self::Classes(choose(first, second)?)),
            (Self::Dense(first), Self::Dense(second)) => Ok(Self::Dense(choose(first, second)?)),
            (Self::Several(first), Self::Several(second)) if first.len() == second.len() => {
                Ok(Self::Several(first.try_zip(second, |first, second| Self::choose(first, second, heavy))?))
            }
            _ => Err(TargetError::Kinds { first: first.kind_name(), other: second.kind_name() }),
        }
    }

    /// Concatenates the targets of several batches.
    ///
    /// # Errors
    /// If the targets are not of one kind, or their shapes differ after the first dimension.
    pub fn join(targets: &[Self]) -> Result<Self, TargetError> {
        let Some(kind) = targets.first() else { return Err(TargetError::Nothing) };
        if let Some(other) = targets.iter().find(|other| other.kind_name() != kind.kind_name()) {
            return Err(TargetError::Kinds { first: kind.kind_name(), other: other.kind_name() });
        }
        let tensors: Vec<_> = targets.iter().map(Self::tensor).collect();
        match kind {
            Self::Classes(_) => Ok(Self::Classes(Tensor::f_cat(&tensors, 0)?)),
            Self::Dense(_) => Ok(Self::Dense(Tensor::f_cat(&tensors, 0)?)),
            Self::Several(_) => {
                let several =
                    targets.iter().filter_map(|target| if let Self::Several(it) = target { Some(it) } else { None });
                Ok(Self::Several(Several::join(&several.collect::<Vec<_>>())?))
            }
            Self::Mixed { .. } => {
                let (mut firsts, mut seconds, mut weights) = (Vec::new(), Vec::new(), Vec::new());
                for target in targets {
                    if let Self::Mixed { first, second, weight } = target {
                        firsts.push(first.shallow_clone());
                        seconds.push(second.shallow_clone());
                        weights.push(weight.shallow_clone());
                    }
                }
                Ok(Self::Mixed {
                    first: Box::new(Self::join(&firsts)?),
                    second: Box::new(Self::join(&seconds)?),
                    weight: Tensor::f_cat(&weights, 0)?,
                })
            }
        }
    }

    /// Selects items by their indices: `index` is `[k]`, i64, on the target's device.
    ///
    /// # Errors
    /// Any error from libtorch, for example for an index that is out of range.
    pub fn index_select(&self, index: &Tensor) -> Result<Self, TchError> {
        Ok(match self {
            Self::Classes(tensor) => Self::Classes(tensor.f_index_select(0, index)?),
            Self::Dense(tensor) => Self::Dense(tensor.f_index_select(0, index)?),
            Self::Several(several) => Self::Several(several.try_map(|target| target.index_select(index))?),
            Self::Mixed { first, second, weight } => Self::Mixed {
                first: Box::new(first.index_select(index)?),
                second: Box::new(second.index_select(index)?),
                weight: weight.f_index_select(0, index)?,
            },
        })
    }

    /// Packs a mixed target as fastai v1 does, for comparison with fastai: `[n, 3]`, `f32`, with the columns first target,
    /// second target and weight of the first.
    ///
    /// Do not use it for anything else: half precision cannot represent every integer above 2,048 (`f32` above 16,777,216), so a
    /// label in this layout may become another one.
    ///
    /// # Errors
    /// [`TargetError::Packed`] for a target that is not mixed or has more than one number per item: it has no such layout.
    pub fn packed(&self) -> Result<Tensor, TargetError> {
        let no_layout = |of: &Self, what| TargetError::Packed { what, shape: of.tensor().size() };
        let Self::Mixed { first, second, weight } = self else { return Err(no_layout(self, self.kind_name())) };
        let column = |target: &Self| match target {
            Self::Classes(tensor) | Self::Dense(tensor) if tensor.size() == weight.size() => {
                Ok(tensor.f_to_kind(Kind::Float)?)
            }
            other => Err(no_layout(other, other.kind_name())),
        };
        let columns = [column(first)?, column(second)?, weight.f_to_kind(Kind::Float)?];
        Ok(Tensor::f_stack(&columns, 1)?)
    }

    /// The kind in words, for messages.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Classes(_) => "class indices",
            Self::Dense(_) => "dense values",
            Self::Several(_) => "several targets",
            Self::Mixed { .. } => "mixed",
        }
    }

    /// Whether the target, or one of several targets, is mixed.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        match self {
            Self::Mixed { .. } => true,
            Self::Several(several) => several.targets().iter().any(Self::is_mixed),
            Self::Classes(_) | Self::Dense(_) => false,
        }
    }

    /// The same target on `device`. Tensors that are there already are shared, not copied.
    ///
    /// # Errors
    /// Any error from libtorch, for example if the device has no room or does not exist.
    pub fn to_device(&self, device: Device) -> Result<Self, tch::TchError> {
        Ok(match self {
            Self::Classes(tensor) => Self::Classes(tensor.f_to_device(device)?),
            Self::Dense(tensor) => Self::Dense(tensor.f_to_device(device)?),
            Self::Several(several) => Self::Several(several.try_map(|target| target.to_device(device))?),
            Self::Mixed { first, second, weight } => Self::Mixed {
                first: Box::new(first.to_device(device)?),
                second: Box::new(second.to_device(device)?),
                weight: weight.f_to_device(device)?,
            },
        })
    }
}

/// `class indices [64]`, `dense values [64, 3] and class indices [64]`, `class indices [64], mixed`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classes(tensor) | Self::Dense(tensor) => write!(f, "{} {:?}", self.kind_name(), tensor.size()),
            Self::Several(several) => write!(f, "{several}"),
            Self::Mixed { first, .. } => write!(f, "{first}, mixed"),
        }
    }
}

/// Why targets could not be combined or packed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The targets are of different kinds, such as class indices and dense values.
    #[error("one target is {first} and another is {other}: all must be of one kind")]
    Kinds {
        /// The first one's kind.
        first: &'static str,
        /// The other's.
        other: &'static str,
    },
    /// There is no target.
    #[error("there is no target to put together: there must be at least one")]
    Nothing,
    /// The targets have different numbers of items.
    #[error("target {position} has {found} items, and target 0 has {expected}: each item needs all of them")]
    Items {
        /// The position of the target, counted from 0.
        position: usize,
        /// How many items the first has.
        expected: usize,
        /// How many items this one has.
        found: usize,
    },
    /// The batches have different numbers of targets.
    #[error("one batch has {first} targets for each item and another has {other}: all must have as many")]
    Number {
        /// The first one's number.
        first: usize,
        /// The other's.
        other: usize,
    },
    /// The target does not fit into fastai's three columns.
    #[error(
        "only a mixed target of one number for each item has fastai's packed layout, but this target ({what}) has the \
         shape {shape:?}"
    )]
    Packed {
        /// The kind of the target.
        what: &'static str,
        /// The shape of the target.
        shape: Vec<i64>,
    },
    /// libtorch returned an error.
    #[error("{}", crate::error::brief(.0))]
    Torch(#[from] TchError),
}

crate::error::debug_with_sources!(TargetError);

/// Converts by kind: integers and booleans become class indices (`i64`), everything else becomes dense values.
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

/// Converts as a `Tensor` does. Both share their memory, unless the kind has to change.
impl From<&Tensor> for Target {
    fn from(tensor: &Tensor) -> Self {
        Self::from(tensor.shallow_clone())
    }
}
