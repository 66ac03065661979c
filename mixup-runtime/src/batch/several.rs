//! Several targets for each item: as many of each, and at least one.

use std::fmt;

use super::{Target, TargetError};

/// Several targets for each item, in a fixed order: at least one, and all of as many items.
///
/// Its parts are read through [`targets`](Self::targets); a loss function for them is
/// [`MultiTask`](crate::loss::MultiTask).
#[derive(Debug)]
pub struct Several(Vec<Target>);

impl Several {
    /// Puts targets of as many items together.
    ///
    /// # Errors
    /// [`TargetError::Nothing`] where there is none, [`TargetError::Items`] where one has other items than the first.
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

    /// The first of them.
    #[must_use]
    pub fn first(&self) -> &Target {
        &self.0[0] // there is one, since `new` refuses none
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each target as `change` makes it, which keeps the items.
    pub(super) fn map(&self, change: impl Fn(&Target) -> Target) -> Self {
        Self(self.0.iter().map(change).collect())
    }

    /// Each target as `change` makes it, of as many items as the others.
    pub(crate) fn try_map<E>(&self, change: impl FnMut(&Target) -> Result<Target, E>) -> Result<Self, E> {
        Ok(Self(self.0.iter().map(change).collect::<Result<_, _>>()?))
    }

    /// Each pair as one target, of two that are as many.
    pub(super) fn try_zip<E>(
        &self,
        other: &Self,
        join: impl Fn(&Target, &Target) -> Result<Target, E>,
    ) -> Result<Self, E> {
        Ok(Self(self.0.iter().zip(&other.0).map(|(one, other)| join(one, other)).collect::<Result<_, _>>()?))
    }

    /// Several batches, one behind the other, target by target.
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
