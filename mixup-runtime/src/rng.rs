//! The generator behind everything random.

/// The generator behind everything random that the library does: seeded, portable, the same bits on every machine.
pub type Rng = rand_chacha::ChaCha8Rng;
