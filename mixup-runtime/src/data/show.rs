//! Batches as pictures.

use std::path::Path;

use rand::SeedableRng as _;
use tch::{Device, Kind, Tensor};

use super::{
    Data, DataError,
    drawing::{Cell, Colour, draw, png},
};
use crate::{
    batch::{Batch, Input, Target},
    rng::{ItemRngs, Rng},
    transforms::Picture,
};

/// How many pictures of a batch are drawn.
const PICTURES: usize = 16;

impl Data {
    /// Draws sixteen training pictures, as the data gives them, into a PNG file: transformed, with their labels below them.
    /// [`Learner::show_batch`](crate::learner::Learner::show_batch) also shows what callbacks such as MixUp make of them.
    ///
    /// ```
    /// use mixup::prelude::*;
    ///
    /// # fn main() -> Result<(), BoxError> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("batch.png");
    /// let data = ImageData::digits()?.build()?;
    /// data.show_batch(&path)?; // "batch.png"
    /// # assert!(path.exists());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DataError::Stream`] for a stream, [`DataError::NoPictures`] if the items are no pictures, [`DataError::Write`] if the file can't be written,
    /// and any error of the data set.
    pub fn show_batch(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        let loader = self.train();
        let mut order = loader.order(&mut Rng::seed_from_u64(0))?;
        order.truncate(PICTURES);
        let batch = loader.batch(&order, 0, &ItemRngs::new(0, 0))?;
        self.show(&batch, path)
    }

    /// Draws the pictures of a batch, at most sixteen, with their labels. Of a batch that was mixed it shows both labels and their shares:
    /// `0.70 cat + 0.30 dog`.
    ///
    /// # Errors
    /// As for [`show_batch`](Self::show_batch).
    pub fn show(&self, batch: &Batch, path: impl AsRef<Path>) -> Result<(), DataError> {
        draw(&self.cells(&batch.input, &batch.target)?, path.as_ref())
    }

    /// What [`show`](Self::show) draws of a batch with this input and this target, as the bytes of a PNG file, with its width and height.
    ///
    /// # Errors
    /// [`DataError::NoPictures`] if the items are no pictures, and any error from libtorch.
    pub fn png(&self, input: &Input, target: &Target) -> Result<(Vec<u8>, [u32; 2]), DataError> {
        let failed = |cause| DataError::Write { file: "the picture of a batch".into(), cause };
        png(&self.cells(input, target)?).map_err(failed)
    }

    fn cells(&self, input: &Input, target: &Target) -> Result<Vec<Cell>, DataError> {
        let pictures = self.pictures(input)?.into_iter().take(PICTURES);
        let labels = self.captions(target)?;
        let cell = |(picture, label): (Picture, String)| Cell { picture, lines: vec![(label, Colour::Black)] };
        Ok(pictures.zip(labels).map(cell).collect())
    }

    /// The pictures of an input `[n, c, h, w]`, as they were before they were normalized.
    pub(crate) fn pictures(&self, input: &Input) -> Result<Vec<Picture>, DataError> {
        let images = input.tensors().first().map_or_else(Tensor::new, |tensor| tensor.shallow_clone());
        let size = images.size();
        let [_, c @ (1 | 3), height, width] = size[..] else { return Err(DataError::NoPictures { found: size }) };
        let mut images = images.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
        if let Some(numbers) =
            self.normalize().as_ref().and_then(|normalize| normalize.numbers()).filter(|it| it.len() == c as usize)
        {
            let column = |which: usize| {
                Tensor::f_from_slice(&numbers.iter().map(|pair| pair[which]).collect::<Vec<f32>>())?
                    .f_reshape([-1, 1, 1])
            };
            images = images.f_mul(&column(1)?)?.f_add(&column(0)?)?;
        }
        let bytes = images.f_mul_scalar(255.0)?.f_round()?.f_clamp(0.0, 255.0)?.f_to_kind(Kind::Uint8)?;
        let bytes = Vec::<u8>::try_from(bytes.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_reshape([-1])?)?;
        let picture = |pixels: &[u8]| Ok(Picture::new(width as u32, height as u32, c as usize, pixels.to_vec())?);
        bytes.chunks_exact((c * height * width).max(1) as usize).map(picture).collect()
    }

    /// A line for each item of a target: the name of its class or classes, its numbers, or both parts of a mixture.
    pub(crate) fn captions(&self, target: &Target) -> Result<Vec<String>, DataError> {
        let class = |index: i64| {
            let name = usize::try_from(index).ok().and_then(|index| self.classes().get(index));
            name.cloned().unwrap_or_else(|| index.to_string())
        };
        match target {
            Target::Classes(indices) => Ok(Vec::<i64>::try_from(indices.f_to_device(Device::Cpu)?.f_reshape([-1])?)?
                .into_iter()
                .map(class)
                .collect()),
            Target::Dense(numbers) => {
                let rows = numbers.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?;
                let row = (rows.numel() / target.items().max(1)).max(1);
                let numbers = Vec::<f32>::try_from(rows.f_reshape([-1])?)?;
                let are_classes = row == self.classes().len();
                let caption = |row: &[f32]| {
                    let numbers = || row.iter().map(|number| format!("{number:.2}")).collect::<Vec<_>>().join(" ");
                    if are_classes { classes(row, class) } else { numbers() }
                };
                Ok(numbers.chunks(row).map(caption).collect())
            }
            Target::Mixed { first, second, weight } => {
                let weights = Vec::<f32>::try_from(weight.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?)?;
                let both = self.captions(first)?.into_iter().zip(self.captions(second)?).zip(weights);
                let caption = |((first, second), weight): ((String, String), f32)| {
                    shares([(weight, first), (1.0 - weight, second)])
                };
                Ok(both.map(caption).collect())
            }
            Target::Several(several) => {
                let all =
                    several.targets().iter().map(|target| self.captions(target)).collect::<Result<Vec<_>, _>>()?;
                let caption =
                    |item: usize| all.iter().filter_map(|part| part.get(item).cloned()).collect::<Vec<_>>().join(", ");
                Ok((0..target.items()).map(caption).collect())
            }
        }
    }
}

/// The names of the classes that an item has, or the share of each if they are mixed.
fn classes(row: &[f32], name: impl Fn(i64) -> String) -> String {
    let has = || (0..).zip(row).filter(|(_, share)| !is_none(**share));
    if has().all(|(_, share)| is_none(1.0 - share)) {
        has().map(|(index, _)| name(index)).collect::<Vec<_>>().join(" ")
    } else {
        shares(has().map(|(index, share)| (*share, name(index))))
    }
}

/// Parts with their shares, `0.70 cat + 0.30 dog`, without those that are nothing. A whole needs no number.
fn shares(parts: impl IntoIterator<Item = (f32, String)>) -> String {
    let parts: Vec<_> = parts.into_iter().filter(|(share, _)| !is_none(*share)).collect();
    match &parts[..] {
        [(share, name)] if is_none(1.0 - share) => name.clone(),
        _ => parts.iter().map(|(share, name)| format!("{share:.2} {name}")).collect::<Vec<_>>().join(" + "),
    }
}

/// Whether a share is 0 with two digits.
fn is_none(share: f32) -> bool {
    share.abs() < 0.005
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use crate::{
        batch::Target,
        data::{Data, TensorDataset},
        error::BoxError,
    };

    #[test]
    fn the_label_of_a_mixture_has_both_classes_with_their_shares() -> Result<(), BoxError> {
        let items = TensorDataset::new(Tensor::from_slice(&[0.0_f32]), Tensor::from_slice(&[0_i64]))?;
        let data = Data::builder(items).classes(["cat", "dog", "fish"]).build()?;
        let (first, second) = (Tensor::from_slice(&[0_i64, 1, 2]), Tensor::from_slice(&[1_i64, 1, 0]));
        let weight = Tensor::from_slice(&[0.7_f32, 0.996, 0.001]);
        let mixed = Target::Mixed { first: Target::from(first).into(), second: Target::from(second).into(), weight };
        assert_eq!(data.captions(&mixed)?, ["0.70 cat + 0.30 dog", "dog", "cat"]);
        let rows = [[1.0_f32, 0.0, 0.0], [0.7, 0.0, 0.3], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]];
        let dense = Target::from(Tensor::from_slice2(&rows));
        assert_eq!(data.captions(&dense)?, ["cat", "0.70 cat + 0.30 fish", "cat dog", ""]);
        let numbers = Target::from(Tensor::from_slice2(&[[0.25_f32, -3.0]]));
        assert_eq!(data.captions(&numbers)?, ["0.25 -3.00"]);
        Ok(())
    }
}
