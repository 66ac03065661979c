//! What a model is built from: the place for its parameters, and the learner's generator for their first values.

use std::{borrow::Borrow, cell::RefCell, ops::Div};

use rand::SeedableRng as _;
use tch::{Device, nn::Path};

use crate::rng::Rng;

/// Where a model keeps its parameters: `tch`'s path, with the learner's generator beside it.
///
/// `tch`'s layers take it as it is (`nn::linear(vs, 1, 2, Default::default())`) or a part of it (`vs / "layer1"`). What
/// they draw comes from libtorch's own generator, which the learner seeds from its own before the model is built.
#[derive(Debug)]
pub struct Vars<'a> {
    path: Path<'a>,
    rng: RefCell<&'a mut Rng>,
}

impl<'a> Vars<'a> {
    pub(crate) fn new(path: Path<'a>, rng: &'a mut Rng) -> Self {
        Self { path, rng: RefCell::new(rng) }
    }

    /// The path under which parameters are made.
    #[must_use]
    pub fn path(&self) -> &Path<'a> {
        &self.path
    }

    /// Where the parameters lie.
    #[must_use]
    pub fn device(&self) -> Device {
        self.path.device()
    }

    /// A generator for the first values of some parameters, seeded from the learner's: another one at each call.
    #[must_use]
    pub fn rng(&self) -> Rng {
        Rng::from_rng(&mut **self.rng.borrow_mut())
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
