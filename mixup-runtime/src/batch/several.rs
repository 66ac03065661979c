//! Several targets for each item: at least one, and all of the same number of items.

use std::fmt;

use super::{Target, TargetError};

/// Several targets for each item, in a fixed order: at least one, and all of the same number of items.
///
/// [`targets`](Self::targets) returns the parts, and [`MultiTask`](crate::loss::MultiTask) is a loss function for them.
#[derive(Debug)]
pub struct Several(Vec<Target>);

impl Several {
    /// Combines targets of the same number of items.
    ///
    /// # Errors
    /// [`TargetError::Nothing`] if there is no target, [`TargetError::Items`] if one has another number of items than the first.
    pub fn new(targets: impl IntoIterator<Item = Target>) -> Result<Self, TargetError> {
        let targets: Vec<_> = targets.into_iter().collect();
        let expected = targets.first().ok_or(TargetError::Nothing)?.items();
        let items = targets.iter().map(Target::items).enumerate();
        match items.into_iter().find(|(_, found)| *found != expected) {
            Some((position, found)) => Err(TargetError::Items { position, expected, found }),
            None => Ok(Self(targets)),
        }
    }

    /// The targets, in their order.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.0
    }

    /// The first target.
    #[must_use]
    pub fn first(&self) -> &Target {
        &self.0[0] // there is one, since `new` rejects an empty list
    }

    /// How many targets there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Applies `change`, which keeps the number of items, to each target.
    pub(super) fn map(&self, change: impl Fn(&Target) -> Target) -> Self {
        Self(self.0.iter().map(change).collect())
    }

    /// Applies `change` to each target; the results must have the same number of items.
    pub(crate) fn try_map<E>(&self, change: impl FnMut(&Target) -> Result<Target, E>) -> Result<Self, E> {
        Ok(Self(self.0.iter().map(change).collect::<Result<_, _>>()?))
    }

    /// Combines the targets of two of the same length in pairs, each pair into one target.
    pub(super) fn try_zip<E>(
        &self,
        other: &Self,
        join: impl Fn(&Target, &Target) -> Result<Target, E>,
    ) -> Result<Self, E> {
        Ok(Self(self.0.iter().zip(&other.0).map(|(one, other)| join(one, other)).collect::<Result<_, _>>()?))
    }

    /// Concatenates several batches, target by target.
    pub(super) fn join(batches: &[&Self]) -> Result<Self, TargetError> {
        let first = batches.first().ok_or(TargetError::Nothing)?;
        if let Some(other) = batches.iter().find(|other| other.len() != first.len()) {
            return Err(TargetError::Number { first: first.len(), other: other.len() });
        }
        let column = |at: usize| batches.iter().map(|batch| batch.0[at].shallow_clone()).collect::<Vec<_>>();
        Ok(Self((0..first.len()).map(|at| Target::join(&column(at))).collect::<Result<_, _>>()?))
    }
}

/// `class indices [64] and dense values [64, 3]`.
impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(place, target)| {
            f.write_str(if place == 0 { "" } else { " and " })?;
            write!(f, "{target}")
        })
    }
}
