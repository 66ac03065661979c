//! Groups of parameters that are frozen at first.

use mixup_macros::callback;

use crate::model::{GroupError, Params};

/// Freezes groups of parameters when training begins, and unfreezes each at the beginning of an epoch: `Unfreeze::at(1, "trunk").and_at(3, "stem")`.
///
/// When training ends, all of them are unfrozen.
#[derive(Debug)]
pub struct Unfreeze {
    groups: Vec<(usize, String)>,
}

impl Unfreeze {
    /// A group that is frozen until this epoch, counted from 0.
    #[must_use]
    pub fn at(epoch: usize, group: impl Into<String>) -> Self {
        Self { groups: vec![(epoch, group.into())] }
    }

    /// One more group.
    #[must_use]
    pub fn and_at(mut self, epoch: usize, group: impl Into<String>) -> Self {
        self.groups.push((epoch, group.into()));
        self
    }
}

#[callback(crate = crate, describe(groups))]
impl Unfreeze {
    fn on_train_begin(&self, params: &Params) -> Result<(), GroupError> {
        self.groups.iter().try_for_each(|(_, group)| params.freeze(group))
    }

    fn on_epoch_begin(&self, epoch: usize, params: &Params) -> Result<(), GroupError> {
        let now = self.groups.iter().filter(|(at, _)| *at == epoch);
        now.map(|(_, group)| group).try_for_each(|group| params.unfreeze_group(group))
    }

    fn on_train_end(&self, params: &Params) -> Result<(), GroupError> {
        self.groups.iter().try_for_each(|(_, group)| params.unfreeze_group(group))
    }
}
