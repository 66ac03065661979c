//! Randomness: everything random is a function of the seed, of who draws, and of the place in the learner's life.
//!
//! `stream` has the generators of the library, one for each drawer and place. `torch` seeds libtorch's generator, from which dropout and
//! the initial weights of `tch`'s layers are drawn.

mod stream;
mod torch;

pub use stream::ItemRngs;
pub(crate) use stream::{Place, hash, stream};
pub(crate) use torch::{TorchSeeds, Use};

/// The generator for everything random in the library: seeded, portable, with the same bits on every machine.
pub type Rng = rand_chacha::ChaCha8Rng;
