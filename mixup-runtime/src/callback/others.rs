//! The other callbacks of the learner, while one of them runs.

use std::any::Any;

use super::{AnyCallback, Callback};
use crate::error::BoxError;

/// All callbacks but the one whose turn it is.
#[allow(missing_debug_implementations, reason = "callbacks need not have it")]
pub struct Others<'a> {
    before: &'a mut [Box<dyn AnyCallback>],
    after: &'a mut [Box<dyn AnyCallback>],
}

impl<'a> Others<'a> {
    /// The callback at `index`, and all others.
    pub(crate) fn beside(
        list: &'a mut [Box<dyn AnyCallback>],
        index: usize,
    ) -> Option<(&'a mut dyn AnyCallback, Self)> {
        let (before, rest) = list.split_at_mut_checked(index)?;
        let (callback, after) = rest.split_first_mut()?;
        Some((&mut **callback, Self { before, after }))
    }

    pub(crate) fn get<C: Callback>(&self) -> Option<&C> {
        self.before.iter().chain(self.after.iter()).find_map(|other| (&**other as &dyn Any).downcast_ref())
    }

    pub(crate) fn get_mut<C: Callback>(&mut self) -> Option<&mut C> {
        let mut all = self.before.iter_mut().chain(self.after.iter_mut());
        all.find_map(|other| (&mut **other as &mut dyn Any).downcast_mut())
    }

    /// Each of them apart, to be lent to a parameter.
    #[doc(hidden)]
    pub fn all(&mut self) -> All<'_> {
        All(self.before.iter_mut().chain(self.after.iter_mut()).map(|other| &mut **other as &mut dyn Any).collect())
    }
}

/// The callbacks that are not lent yet.
#[doc(hidden)]
#[allow(missing_debug_implementations, reason = "callbacks need not have it")]
pub struct All<'a>(Vec<&'a mut dyn Any>);

/// The first callback of this type, where there is one.
#[doc(hidden)]
#[must_use]
pub fn optional<'a, C: Any>(all: &mut All<'a>) -> Option<&'a mut C> {
    let index = all.0.iter().position(|other| other.is::<C>())?;
    all.0.remove(index).downcast_mut()
}

/// The first callback of this type. A learner without it is not built.
#[doc(hidden)]
pub fn required<'a, C: Any>(all: &mut All<'a>) -> Result<&'a mut C, BoxError> {
    optional(all).ok_or_else(|| "a callback that this one asks for is not there any more".into())
}
