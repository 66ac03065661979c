//! Randomness: everything random is a function of the seed, of who draws, and of where in a learner's life it is drawn.
//!
//! `stream` has the generators of the library, one for each drawer and place. `torch` seeds libtorch's generator, from which dropout and
//! the first weights of `tch`'s layers are drawn.

mod stream;
mod torch;

pub use stream::ItemRngs;
pub(crate) use stream::{Place, hash, stream};
pub(crate) use torch::{TorchSeeds, Use};

/// The generator behind everything random that the library does: seeded, portable, the same bits on every machine.
pub type Rng = rand_chacha::ChaCha8Rng;
