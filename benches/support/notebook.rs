//! The learner of the notebook's epoch: fastai's `simple_cnn`, on images of noise.

use mixup::{data::ImageDataset, prelude::*};
use tch::{Device, Kind, Tensor};

pub const TRAIN: i64 = 12_396;
pub const VALID: i64 = 2_038;
pub const BATCH: usize = 64;

pub fn pixels(n: i64) -> Tensor {
    Tensor::randint(256, [n, 3, 28, 28], (Kind::Uint8, Device::Cpu))
}

pub fn labels(n: i64) -> Tensor {
    Tensor::randint(2, [n], (Kind::Int64, Device::Cpu))
}

pub fn learner(mixup: bool) -> Result<Learner, Box<dyn std::error::Error>> {
    let train = ImageDataset::new(pixels(TRAIN), labels(TRAIN))?;
    let valid = ImageDataset::new(pixels(VALID), labels(VALID))?;
    let data = Data::builder(train).valid(valid).classes(["3", "7"]).batch_size(BATCH).build()?;
    let builder = Learner::builder(data, |vs| simple_cnn(vs, &[3, 16, 16, 2])).metric(accuracy).quiet();
    Ok(if mixup { builder.mixup() } else { builder }.build()?)
}
