//! The embedded default: 1,797 handwritten digits of 8×8 pixels, as IDX files.
//!
//! E. Alpaydin and C. Kaynak, «Optical Recognition of Handwritten Digits», UCI Machine Learning Repository, 1998,
//! <https://doi.org/10.24432/C50P49>, CC BY 4.0. What was changed stands in `assets/digits/README.md`.

use std::path::PathBuf;

use super::idx::{Pair, Part};
use crate::data::DataError;

/// A file of `assets/digits`, with the name that errors give it.
macro_rules! asset {
    ($name:literal) => {
        (PathBuf::from(concat!("embedded/", $name)), &include_bytes!(concat!("../../../assets/digits/", $name))[..])
    };
}

/// 1,437 digits to train with, 360 to validate with.
pub(super) fn read() -> Result<Pair, DataError> {
    let train = Part::read(asset!("train-images-idx3-ubyte.gz"), asset!("train-labels-idx1-ubyte.gz"))?;
    let valid = Part::read(asset!("t10k-images-idx3-ubyte.gz"), asset!("t10k-labels-idx1-ubyte.gz"))?;
    Pair::new(train, Some(valid))
}
