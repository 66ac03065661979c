//! Transforms as a file can hold them.

use serde::{Deserialize, Serialize};

use super::{AnyTransform, CenterCrop, Resize};

/// A transform that a bundle can hold, so that a fresh process prepares its pictures in the same way: see
/// [`Predictor::prepare`](crate::learner::Predictor::prepare).
///
/// A transform of your own can be held if it does what one of these does: it returns that from its [`recipe`](super::Transform::recipe).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recipe {
    /// [`Resize`].
    Resize(Resize),
    /// [`CenterCrop`].
    CenterCrop(CenterCrop),
}

impl Recipe {
    /// The transform.
    pub(crate) fn transform(self) -> AnyTransform {
        match self {
            Self::Resize(it) => it.into(),
            Self::CenterCrop(it) => it.into(),
        }
    }
}
