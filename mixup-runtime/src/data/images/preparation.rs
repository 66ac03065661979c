//! What happens to every picture before a model gets it, in a form that a bundle can hold.

use serde::{Deserialize, Serialize};

use super::{ImageData, decode::Channels};
use crate::transforms::{AnyTransform, Normalize, Recipe};

/// The channels, the transforms of all pictures, and what the pixels are normalized with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Preparation {
    channels: Channels,
    /// The transforms, or the first one that has no recipe.
    transforms: Result<Vec<Recipe>, String>,
    /// Its numbers are known: those of the data were looked at.
    pub(crate) normalize: Option<Normalize>,
}

impl ImageData {
    /// How these pictures are prepared, with a normalization whose numbers are known.
    pub(super) fn preparation(&self, normalize: Option<Normalize>) -> Preparation {
        let recipe = |any: &AnyTransform| any.recipe().ok_or_else(|| format!("{any:?}"));
        let transforms = self.items.iter().map(recipe).collect();
        Preparation { channels: self.channels, transforms, normalize }
    }

    /// Prepares these pictures as others were prepared, after transforms of their own.
    ///
    /// # Errors
    /// The transform that has no recipe.
    pub(crate) fn prepared(mut self, as_others: &Preparation) -> Result<Self, String> {
        let Preparation { channels, transforms, normalize } = as_others.clone();
        self.items.extend(transforms?.into_iter().map(Recipe::transform));
        (self.channels, self.normalize) = (channels, normalize);
        Ok(self)
    }
}
