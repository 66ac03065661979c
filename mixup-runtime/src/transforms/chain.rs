//! Transforms of any type, one after another.

use std::{any::type_name, collections::HashMap, fmt, sync::Arc};

use rand::RngExt as _;

use super::{Picture, Recipe, Transform, TransformError};
use crate::rng::{Rng, hash};

/// A transform of any type, so that several fit into one list: `[RandomFlip::horizontal(), RandomResizedCrop::new(224)]`. Every [`Transform`]
/// becomes one with `into()`.
#[derive(Clone)]
pub struct AnyTransform {
    transform: Arc<dyn Transform>,
    name: &'static str,
    probability: f64,
}

impl AnyTransform {
    /// Sets the share of the pictures that are changed, from 0 to 1. Defaults to 1, and for [`RandomFlip`](super::RandomFlip) to 0.5.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self { probability, ..self }
    }

    /// Changes a picture, or leaves it as it is if that was drawn.
    ///
    /// # Errors
    /// Those of the transform.
    pub fn apply(&self, picture: Picture, rng: &mut Rng) -> Result<Picture, TransformError> {
        if self.probability < 1.0 && rng.random::<f64>() >= self.probability {
            return Ok(picture);
        }
        self.transform.apply(picture, rng)
    }

    fn check(&self) -> Result<(), TransformError> {
        let holds = (0.0..=1.0).contains(&self.probability);
        TransformError::unless(holds, short_name(self.name), "probability", self.probability, "from 0 to 1")?;
        self.transform.check()
    }

    /// The size of all results, unless some pictures stay as they are.
    fn size(&self) -> Option<(u32, u32)> {
        self.transform.size().filter(|_| self.probability >= 1.0)
    }

    fn random(&self) -> bool {
        self.probability < 1.0 || self.transform.random()
    }

    /// The form in which a bundle holds it, unless some pictures stay as they are.
    pub(crate) fn recipe(&self) -> Option<Recipe> {
        self.transform.recipe().filter(|_| self.probability >= 1.0)
    }
}

impl<T: Transform> From<T> for AnyTransform {
    fn from(transform: T) -> Self {
        Self { transform: Arc::new(transform), name: type_name::<T>(), probability: 1.0 }
    }
}

impl fmt::Debug for AnyTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transform.fmt(f)?;
        if self.probability < 1.0 { write!(f, ".probability({})", self.probability) } else { Ok(()) }
    }
}

/// The name of a type without its path.
fn short_name(name: &'static str) -> &'static str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Transforms that are applied one after another. Each draws from its own stream of the item's generator, which its type and its place among
/// those of its type choose: another transform before it changes none of its draws.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    all: Vec<(AnyTransform, u64)>,
}

impl Chain {
    pub(crate) fn new(transforms: impl IntoIterator<Item = AnyTransform>) -> Self {
        let mut seen: HashMap<&'static str, u64> = HashMap::new();
        let streams = transforms.into_iter().map(|transform| {
            let count = seen.entry(transform.name).or_default();
            *count += 1;
            let stream = hash(transform.name).wrapping_add(*count);
            (transform, stream)
        });
        Self { all: streams.collect() }
    }

    /// Checks the settings of all transforms.
    pub(crate) fn check(&self) -> Result<(), TransformError> {
        self.all.iter().try_for_each(|(any, _)| any.check())
    }

    /// The size of all results, if it does not depend on the picture.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        self.all.iter().rev().find_map(|(any, _)| any.size())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Cuts the chain after those transforms at its beginning that are not random.
    pub(crate) fn cut(&self) -> (Self, Self) {
        let fixed = self.all.iter().take_while(|(any, _)| !any.random()).count();
        let (fixed, rest) = self.all.split_at(fixed);
        (Self { all: fixed.to_vec() }, Self { all: rest.to_vec() })
    }

    pub(crate) fn apply(&self, picture: Picture, rng: &Rng) -> Result<Picture, TransformError> {
        self.all.iter().try_fold(picture, |picture, (any, stream)| {
            let mut own = rng.clone();
            own.set_stream(*stream);
            any.apply(picture, &mut own)
        })
    }
}
