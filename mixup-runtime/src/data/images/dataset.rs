//! Images as a data set: bytes in memory, converted to floats only when a batch is gathered.

use std::sync::Arc;

use tch::{Device, Kind, Tensor};

use crate::{
    batch::{Batch, Input, Target, items},
    data::{
        DataError, Dataset,
        dataset::{describe, index_tensor, unnamed},
    },
    rng::ItemRngs,
    transforms::Normalize,
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
    target: Target,
    labelled: bool,
    /// The mean and the deviation of each channel, each `[c, 1, 1]`.
    normalize: Option<[Tensor; 2]>,
    /// The files of the images, if they come from files.
    names: Arc<[String]>,
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
        Ok(Self::of(pixels, Target::Classes(labels), true))
    }

    /// Images with any target; those that are not `labelled` can only be predicted.
    pub(super) fn of(pixels: Tensor, target: Target, labelled: bool) -> Self {
        let len = items(&pixels);
        Self { pixels, target, labelled, normalize: None, names: Arc::default(), len }
    }

    /// Sets the names of the images.
    pub(super) fn named(self, names: impl Iterator<Item = String>) -> Self {
        Self { names: names.collect(), ..self }
    }

    /// Sets what the pixels are normalized with.
    pub(super) fn normalize(self, normalize: Option<&Normalize>) -> Result<Self, DataError> {
        let Some(numbers) = normalize.and_then(Normalize::numbers) else { return Ok(self) };
        let column = |which: usize| {
            let column: Vec<f32> = numbers.iter().map(|pair| pair[which]).collect();
            Tensor::f_from_slice(&column)?.f_reshape([-1, 1, 1])?.f_to_device(self.pixels.device())
        };
        Ok(Self { normalize: Some([column(0)?, column(1)?]), ..self })
    }

    /// All pixels, `u8` `[n, c, h, w]`.
    #[must_use = "the pixels are only looked at"]
    pub fn pixels(&self) -> &Tensor {
        &self.pixels
    }

    /// All labels: `i64` `[n]` if each image has one class.
    #[must_use = "the labels are only looked at"]
    pub fn labels(&self) -> &Tensor {
        self.target.tensor()
    }

    /// The same images on `device`, where their batches are then gathered.
    ///
    /// # Errors
    /// Any error from libtorch, for example if the device has no room or does not exist.
    pub fn to_device(&self, device: Device) -> Result<Self, DataError> {
        let to = |tensor: &Tensor| tensor.f_to_device(device);
        let normalize =
            self.normalize.as_ref().map(|[mean, deviation]| Ok::<_, DataError>([to(mean)?, to(deviation)?]));
        let (pixels, target, normalize) = (to(&self.pixels)?, self.target.to_device(device)?, normalize.transpose()?);
        Ok(Self { pixels, target, normalize, names: Arc::clone(&self.names), ..*self })
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
        let mut input = input.f_div_scalar_(255.0)?;
        if let Some([mean, deviation]) = &self.normalize {
            input = input.f_sub_(mean)?.f_div_(deviation)?;
        }
        let gather = |labels: &Tensor| labels.f_index_select(0, &index.f_to_device(labels.device())?);
        let target = match &self.target {
            Target::Dense(numbers) => Target::Dense(gather(numbers)?),
            classes => Target::Classes(gather(classes.tensor())?),
        };
        Ok(Batch { input: Input::Tensor(input), target })
    }

    fn labelled(&self) -> bool {
        self.labelled
    }

    /// True: a batch is gathered into its own memory.
    fn fresh(&self) -> bool {
        true
    }

    fn name(&self, index: usize) -> String {
        self.names.get(index).cloned().unwrap_or_else(|| unnamed(index))
    }

    fn describe(&self) -> String {
        describe("images", &self.pixels.size())
    }
}
