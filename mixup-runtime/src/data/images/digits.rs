//! The bundled data: 1,797 handwritten digits of 8×8 pixels, as IDX files.
//!
//! E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
//! <https://doi.org/10.24432/C50P49>, CC BY 4.0. `assets/digits/README.md` says what was changed.

use std::path::PathBuf;

use super::idx::{Pair, Part};
use crate::data::DataError;

/// A file of `assets/digits`, with its name for errors.
macro_rules! asset {
    ($name:literal) => {
        (PathBuf::from(concat!("embedded/", $name)), &include_bytes!(concat!("../../../assets/digits/", $name))[..])
    };
}

/// Reads the 1,437 digits for training and the 360 for validation.
pub(super) fn read() -> Result<Pair, DataError> {
    let train = Part::read(asset!("train-images-idx3-ubyte.gz"), asset!("train-labels-idx1-ubyte.gz"))?;
    let valid = Part::read(asset!("t10k-images-idx3-ubyte.gz"), asset!("t10k-labels-idx1-ubyte.gz"))?;
    Pair::new(train, Some(valid))
}
