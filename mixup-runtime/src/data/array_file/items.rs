//! The rows of files as items.

use super::ArrayFile;
use crate::{
    data::{DataError, Item, Items, Label, dataset::describe, items::Numbers},
    rng::Rng,
};

/// Items that are rows of files: an input from one file, and its label from another. Each is read when it is needed, so the files may be larger
/// than memory.
///
/// ```
/// use mixup::data::{ArrayFile, Collated, Data, FileItems};
/// use tch::{Device, Kind, Tensor};
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("digits.safetensors");
/// let (images, digits) = (Tensor::zeros([60, 1, 8, 8], (Kind::Uint8, Device::Cpu)), Tensor::zeros([60], (Kind::Int64, Device::Cpu)));
/// Tensor::write_safetensors(&[("images", images), ("digits", digits)], &file)?;
///
/// let items = FileItems::new(ArrayFile::safetensors(&file, "images")?, ArrayFile::safetensors(&file, "digits")?)?;
/// let data = Data::builder(Collated::new(items)).batch_size(20).workers(2).build()?;
/// assert_eq!(data.to_string(), "60 training items of 1×8×8, no validation");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Labels `[n]` of whole numbers are classes ([`Label::Class`]), and all others are [`Label::Dense`]. Bytes among labels are whole numbers too, and
/// no pixels: they are not divided by 255.
#[derive(Debug)]
pub struct FileItems {
    inputs: ArrayFile,
    labels: Option<ArrayFile>,
}

impl FileItems {
    /// Items whose inputs and labels are the rows of two arrays, which may lie in one file.
    ///
    /// # Errors
    /// [`DataError::Lengths`] if the arrays have different numbers of rows.
    pub fn new(inputs: ArrayFile, labels: ArrayFile) -> Result<Self, DataError> {
        if inputs.len() != labels.len() {
            return Err(DataError::Lengths { input: inputs.len(), target: labels.len() });
        }
        Ok(Self { inputs, labels: Some(labels) })
    }

    /// Items without labels, which can only be predicted.
    #[must_use]
    pub fn unlabelled(inputs: ArrayFile) -> Self {
        Self { inputs, labels: None }
    }
}

impl Items for FileItems {
    fn len(&self) -> usize {
        self.inputs.len()
    }

    fn get(&self, index: usize, _: &mut Rng) -> Result<Item, DataError> {
        let input = self.inputs.row(index)?;
        let Some(labels) = &self.labels else { return Ok(Item { input, label: Label::Class(0) }) };
        let label = labels.label(index)?;
        let class = match label.numbers() {
            Numbers::Ints(ints) if label.shape().is_empty() => ints.first().copied(),
            _ => None,
        };
        Ok(Item { input, label: class.map_or(Label::Dense(label), Label::Class) })
    }

    fn labelled(&self) -> bool {
        self.labels.is_some()
    }

    fn name(&self, index: usize) -> String {
        format!("row {index} of {}", self.inputs.path().display())
    }

    fn describe(&self) -> String {
        let size: Vec<i64> = std::iter::once(self.len())
            .chain(self.inputs.row_shape().iter().copied())
            .map(|size| size as i64)
            .collect();
        describe("items", &size)
    }
}
