//! Numbers for comparison: tensors as f64, and how close two of them are.
#![allow(dead_code, reason = "each file of tests takes what it needs")]

use mixup::{Rng, data::DataError, prelude::*};
use rand::SeedableRng as _;
use tch::{Kind, Tensor};

/// All numbers of a tensor, row by row.
pub fn f64s(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).contiguous().flatten(0, -1)).expect("a tensor of numbers")
}

/// Asserts that each pair differs by at most `rel` of the larger number or of `scale`, the approximate size of the operands.
#[track_caller]
pub fn assert_close(what: &str, got: &[f64], want: &[f64], rel: f64, scale: f64) {
    assert_eq!(got.len(), want.len(), "{what}: {} numbers instead of {}", got.len(), want.len());
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        let bound = rel * got.abs().max(want.abs()).max(scale);
        assert!(
            (got - want).abs() <= bound,
            "{what}, number {index}: {got} instead of {want}, which is {bound} at most"
        );
    }
}

/// Random numbers from -2 to 2, of a kind.
pub fn random(shape: &[i64], kind: Kind, seed: u64) -> Tensor {
    let count = usize::try_from(shape.iter().product::<i64>()).expect("a shape");
    let mut rng = Rng::seed_from_u64(seed);
    let numbers: Vec<f64> = (0..count).map(|_| rng.random_range(-2.0..2.0)).collect();
    Tensor::from_slice(&numbers).reshape(shape).to_kind(kind)
}

/// Random class indices below `classes`.
pub fn classes(shape: &[i64], classes: i64, seed: u64) -> Tensor {
    let count = usize::try_from(shape.iter().product::<i64>()).expect("a shape");
    let mut rng = Rng::seed_from_u64(seed);
    let indices: Vec<i64> = (0..count).map(|_| rng.random_range(0..classes)).collect();
    Tensor::from_slice(&indices).reshape(shape)
}

/// Prepared batches, which are the same in each epoch.
pub fn prepared(batches: &[(Tensor, Target)]) -> Result<Data, DataError> {
    let batches = || batches.iter().map(|(x, y)| Batch { input: x.shallow_clone().into(), target: y.shallow_clone() });
    Data::from_batches(batches().collect(), batches().collect())
}
