//! Small learners whose trainings do not depend on how they are divided.

use std::{fs, path::Path};

use mixup::{learner::LearnerBuilder, prelude::*};
use tch::{Device, Kind, Tensor};

/// `count` numbers that rise and fall, none of them round.
pub fn series(count: i64, step: f64) -> Tensor {
    ((Tensor::arange(count, (Kind::Float, Device::Cpu)) + 1.0) * step).sin()
}

/// Pictures of 6×6 in three classes.
pub fn items(items: i64) -> TensorDataset {
    let classes = (series(items, 1.7) * 1.5 + 1.5).floor().clamp(0, 2).to_kind(Kind::Int64);
    TensorDataset::new(series(items * 36, 0.37).reshape([items, 1, 6, 6]), classes).expect("as many classes as items")
}

/// Shuffled training items, and validation items, in batches of this size.
pub fn data(train: i64, valid: i64, batch: usize) -> Data {
    let data = Data::builder(items(train)).batch_size(batch);
    if valid == 0 { data.build() } else { data.valid(items(valid)).build() }.expect("there are items")
}

/// A quiet learner with a convolutional network without batch norm.
pub fn on(data: Data) -> LearnerBuilder<impl Model<Output = Tensor>> {
    Learner::builder(data, |vs| simple_cnn(vs, &[1, 4, 3])).quiet().seed(7)
}

/// Every number of every parameter.
pub fn numbers(learn: &Learner) -> Vec<f32> {
    let flat = |(_, tensor): (&str, &Tensor)| Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).expect("floats");
    learn.params().iter().flat_map(flat).collect()
}

/// Leaves numbers in a file, to the bit.
pub fn leave(folder: &Path, name: &str, numbers: &[f32]) {
    let text: Vec<_> = numbers.iter().map(|number| number.to_bits().to_string()).collect();
    fs::write(folder.join(name), text.join("\n")).expect("it can be written");
}

/// The numbers of such a file.
pub fn left(text: &str) -> Vec<f32> {
    text.lines().map(|line| f32::from_bits(line.parse().expect("a number"))).collect()
}

/// The largest difference.
pub fn difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}
