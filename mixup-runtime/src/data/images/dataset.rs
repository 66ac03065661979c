//! Images as a data set: bytes in memory, converted to floats only when a batch is gathered.

use tch::{Device, Kind, Tensor};

use crate::{
    batch::{Batch, Input, Target, items},
    data::{
        DataError, Dataset,
        dataset::{describe, index_tensor},
    },
    rng::ItemRngs,
};

/// A data set of images of one size, with their classes.
///
/// The pixels are kept as bytes, which take a quarter of the memory of `f32`. A batch is `f32` `[n, c, h, w]` from 0 (black) to
/// 1, gathered on the device of the pixels.
///
/// ```
/// use mixup::{data::{Dataset, ImageDataset}, rng::ItemRngs};
/// use tch::Tensor;
///
/// let pixels = Tensor::from_slice(&[0_u8, 255, 51, 0]).reshape([2, 1, 1, 2]); // two images of 1×1×2
/// let images = ImageDataset::new(pixels, Tensor::from_slice(&[0_i64, 1]))?;
/// let batch = images.batch(&[1], &ItemRngs::new(0, 0))?;
/// assert_eq!(batch.input.one()?.double_value(&[0, 0, 0, 0]), f64::from(0.2_f32));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ImageDataset {
    pixels: Tensor,
    labels: Tensor,
    len: usize,
}

impl ImageDataset {
    /// Creates a data set from pixels `u8` `[n, c, h, w]` and labels `i64` `[n]`.
    ///
    /// # Errors
    /// [`DataError::Layout`] for another kind or number of dimensions, [`DataError::Lengths`] if there are not as many labels
    /// as images.
    pub fn new(pixels: Tensor, labels: Tensor) -> Result<Self, DataError> {
        let found = |tensor: &Tensor| format!("{:?} of {:?}", tensor.kind(), tensor.size());
        if pixels.kind() != Kind::Uint8 || pixels.dim() != 4 {
            return Err(DataError::Layout { what: "pixels", expected: "Uint8 of [n, c, h, w]", found: found(&pixels) });
        }
        if labels.kind() != Kind::Int64 || labels.dim() != 1 {
            return Err(DataError::Layout { what: "labels", expected: "Int64 of [n]", found: found(&labels) });
        }
        let [input, target] = [&pixels, &labels].map(items);
        if input != target {
            return Err(DataError::Lengths { input, target });
        }
        Ok(Self { pixels, labels, len: input })
    }

    /// All pixels, `u8` `[n, c, h, w]`.
    #[must_use = "the pixels are only looked at"]
    pub fn pixels(&self) -> &Tensor {
        &self.pixels
    }

    /// All labels, `i64` `[n]`.
    #[must_use = "the labels are only looked at"]
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// The same images on `device`, where their batches are then gathered.
    ///
    /// # Errors
    /// Any error from libtorch, for example if the device has no room or does not exist.
    pub fn to_device(&self, device: Device) -> Result<Self, DataError> {
        let (pixels, labels) = (self.pixels.f_to_device(device)?, self.labels.f_to_device(device)?);
        Ok(Self { pixels, labels, len: self.len })
    }

    /// Turns grey images into images of three equal channels that share their memory.
    pub(super) fn tripled(self) -> Result<Self, DataError> {
        let pixels = self.pixels.f_expand([-1, 3, -1, -1], false)?;
        Ok(Self { pixels, ..self })
    }
}

impl Dataset for ImageDataset {
    fn len(&self) -> usize {
        self.len
    }

    fn batch(&self, indices: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
        let index = index_tensor(indices, self.len)?.f_to_device(self.pixels.device())?;
        // Bytes are gathered first, so that only a quarter of the memory moves. They are divided by 255, since 1/255 is not exact.
        let mut input = self.pixels.f_index_select(0, &index)?.f_to_kind(Kind::Float)?;
        let input = input.f_div_scalar_(255.0)?;
        let target = self.labels.f_index_select(0, &index.f_to_device(self.labels.device())?)?;
        Ok(Batch { input: Input::Tensor(input), target: Target::Classes(target) })
    }

    /// True: a batch is gathered into its own memory.
    fn fresh(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        describe("images", &self.pixels.size())
    }
}
