//! What a model is built from: a place for its parameters, and generators for their initial values.

use std::{
    borrow::Borrow,
    cell::Cell,
    ops::{Deref, Div},
};

use tch::nn::Path;

use crate::rng::{Place, Rng, hash, stream};

/// Where a model keeps its parameters: `tch`'s path, together with the learner's seed.
///
/// `tch`'s layers take it as it is (`nn::linear(vs, 1, 2, Default::default())`) or a part of it (`vs / "layer1"`). They
/// draw from libtorch's own generator, which the learner seeds before it builds the model.
#[derive(Debug)]
pub struct Vars<'a> {
    path: Path<'a>,
    seed: u64,
    calls: Cell<u32>,
}

impl<'a> Vars<'a> {
    pub(crate) fn new(path: Path<'a>, seed: u64) -> Self {
        Self { path, seed, calls: Cell::new(0) }
    }

    /// The path under which parameters are created.
    #[must_use]
    pub fn path(&self) -> &Path<'a> {
        &self.path
    }

    /// A generator for the initial values of some parameters. It is a function of the learner's seed and differs at each call.
    ///
    /// Use it for initial values only. While a model runs, it should draw from libtorch's generator (`Tensor::rand`, `dropout`), which
    /// the learner seeds before each batch: a generator kept by the model would continue from where the last training left it.
    #[must_use]
    pub fn rng(&self) -> Rng {
        let call = self.calls.replace(self.calls.get().wrapping_add(1));
        stream(self.seed, hash("model"), Place { batch: call, ..Place::default() }, "first values")
    }
}

/// A `&Vars` can be passed wherever `tch` takes a `&nn::Path`.
impl<'a> Deref for Vars<'a> {
    type Target = Path<'a>;

    fn deref(&self) -> &Path<'a> {
        &self.path
    }
}

impl<'a> Borrow<Path<'a>> for &Vars<'a> {
    fn borrow(&self) -> &Path<'a> {
        &self.path
    }
}

impl<'a, T: ToString> Div<T> for &Vars<'a> {
    type Output = Path<'a>;

    fn div(self, name: T) -> Path<'a> {
        &self.path / name.to_string()
    }
}
