//! The learner, its callbacks, the data and MixUp: what the facade `mixup` re-exports.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod data;
pub mod input;
pub mod target;

/// The generator behind everything random that the library does: seeded, portable, the same bits on every machine.
pub type Rng = rand_chacha::ChaCha8Rng;
