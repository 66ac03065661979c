//! Tensors in memory as a data set: the first dimension counts the items.

use tch::{TchError, Tensor};

use super::{
    DataError, Dataset,
    dataset::{describe, index_tensor},
};
use crate::{
    batch::{Batch, Input, Target, items},
    rng::ItemRngs,
};

/// A data set of inputs and targets that are in memory as whole tensors, on any device.
///
/// A batch is gathered on the device of the tensors.
///
/// ```
/// use mixup::data::{Data, DataError, TensorDataset};
/// use tch::{Device, Kind, Tensor};
///
/// let x = Tensor::rand([100, 3], (Kind::Float, Device::Cpu));
/// let y = x.sum_dim_intlist(1, false, None);
/// let data = Data::builder(TensorDataset::new(x, y)?).build()?;
/// assert_eq!(data.to_string(), "100 training items of 3, no validation");
/// # Ok::<(), DataError>(())
/// ```
#[derive(Debug)]
pub struct TensorDataset {
    input: Input,
    /// `None` if the items have none.
    target: Option<Target>,
    len: usize,
}

impl TensorDataset {
    /// Creates a data set with one item for each index of the first dimension: input `[n, …]` (one tensor or several), target `[n]` or
    /// `[n, …]`.
    ///
    /// # Errors
    /// [`DataError::Lengths`] and [`DataError::Inputs`] if the numbers of items differ, [`DataError::NoItemDimension`] for a
    /// tensor without dimensions or no tensor at all, [`DataError::Mixed`] for what `MixUp` has already mixed.
    pub fn new(input: impl Into<Input>, target: impl Into<Target>) -> Result<Self, DataError> {
        let (unlabelled, target) = (Self::unlabelled(input)?, target.into());
        if target.is_mixed() {
            return Err(DataError::Mixed { what: "target" });
        }
        if target.tensors().iter().any(|tensor| tensor.dim() == 0) {
            return Err(DataError::NoItemDimension { what: "target" });
        }
        if target.items() != unlabelled.len {
            return Err(DataError::Lengths { input: unlabelled.len, target: target.items() });
        }
        Ok(Self { target: Some(target), ..unlabelled })
    }

    /// Creates a data set of inputs without targets, which can only be predicted: for the test part of [`Data`](super::Data), or for a
    /// [`Loader`](super::Loader).
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn unlabelled(input: impl Into<Input>) -> Result<Self, DataError> {
        let input = input.into();
        let inputs = match &input {
            Input::Tensor(_) | Input::Tensors(_) => input.tensors(),
            Input::Stacked { .. } => return Err(DataError::Mixed { what: "input" }),
        };
        if inputs.is_empty() || inputs.iter().any(|tensor| tensor.dim() == 0) {
            return Err(DataError::NoItemDimension { what: "input" });
        }
        let len = input.items();
        for (position, found) in inputs.iter().map(|tensor| items(tensor)).enumerate() {
            if found != len {
                return Err(DataError::Inputs { position, expected: len, found });
            }
        }
        Ok(Self { input, target: None, len })
    }
}

impl Dataset for TensorDataset {
    fn len(&self) -> usize {
        self.len
    }

    fn batch(&self, indices: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
        let index = index_tensor(indices, self.len)?;
        let rows = |tensor: &Tensor| tensor.f_index_select(0, &index.f_to_device(tensor.device())?);
        let input = match &self.input {
            Input::Tensor(tensor) => Input::Tensor(rows(tensor)?),
            Input::Tensors(tensors) => Input::Tensors(tensors.iter().map(rows).collect::<Result<_, _>>()?),
            Input::Stacked { .. } => return Err(DataError::Mixed { what: "input" }),
        };
        let target = match &self.target {
            Some(target) => target_rows(target, &rows)?,
            None => Target::Dense(Tensor::f_from_slice::<f32>(&[])?),
        };
        Ok(Batch { input, target })
    }

    /// True: a batch is gathered into its own memory.
    fn fresh(&self) -> bool {
        true
    }

    fn labelled(&self) -> bool {
        self.target.is_some()
    }

    fn describe(&self) -> String {
        match &self.input {
            Input::Tensor(tensor) => describe("items", &tensor.size()),
            Input::Tensors(_) | Input::Stacked { .. } => "items".to_owned(),
        }
    }
}

/// Selects rows of each tensor of an unmixed target.
fn target_rows(target: &Target, rows: &impl Fn(&Tensor) -> Result<Tensor, TchError>) -> Result<Target, DataError> {
    Ok(match target {
        Target::Classes(tensor) => Target::Classes(rows(tensor)?),
        Target::Dense(tensor) => Target::Dense(rows(tensor)?),
        Target::Several(several) => Target::Several(several.try_map(|target| target_rows(target, rows))?),
        Target::Mixed { .. } => return Err(DataError::Mixed { what: "target" }),
    })
}
