//! The begin and the end of a training of several processes.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use mixup::prelude::*;
use tch::Tensor;

use crate::{
    error::ParallelError,
    flat::Flat,
    group::{Group, Met, heed},
    says::{End, Heard, Moment, Same, Says},
};

/// Gives all ranks the weights and buffers of the first one when a training begins, and tells them how it has ended on this one.
///
/// It is the first callback in `on_train_begin`, and the last in `on_train_end`: whatever fails in between, the others hear of
/// it.
#[derive(Debug)]
pub(crate) struct Members {
    group: Arc<Group>,
}

impl Members {
    pub(crate) fn new(group: Arc<Group>) -> Self {
        Self { group }
    }
}

#[callback(order = -1_000_000)]
impl Members {
    fn on_train_begin(
        &self,
        epochs: usize,
        params: &Params,
        world: World,
        interrupt: &Interrupt,
    ) -> Result<Option<StopTraining>, ParallelError> {
        let here = self.group.world();
        if world != here {
            return Err(ParallelError::OtherWorld { learner: world, here });
        }
        if world.is_shared() {
            interrupt.hold(); // the ranks agree when all end
        }
        self.group.begin();
        let variables = params.variables();
        let mut all = Flat::of(variables.iter().map(|(name, tensor)| (name.as_str(), tensor)))?;
        let says = Says { layout: digest(epochs, &variables), ..Says::at(Moment::Begin) };
        match self.group.go_on(says, interrupt)? {
            Met::Stop(stop) => return Ok(Some(stop)),
            Met::All(Same { layout: false, .. }) => return Err(ParallelError::OtherModel),
            Met::All(_) => {}
        }
        all.take_first(&self.group);
        all.write(variables.values())?;
        Ok(None)
    }

    fn on_train_end(&self, outcome: &Outcome) -> Result<(), ParallelError> {
        if self.group.knows() {
            return Ok(());
        }
        let (own, text) = End::of_outcome(outcome);
        let says = Says { end: Some((own, &text)), ..Says::at(Moment::End) };
        match self.group.meet(&says)? {
            // What has ended this one is its error already.
            Heard::Ended(news) if own <= End::Stopped && news.end > End::Stopped => heed(news, Moment::End).map(drop),
            _ => Ok(()),
        }
    }
}

/// A digest of what must be the same on all ranks.
fn digest(epochs: usize, variables: &BTreeMap<String, Tensor>) -> i64 {
    let mut hasher = DefaultHasher::new();
    epochs.hash(&mut hasher);
    for (name, tensor) in variables {
        (name, tensor.size(), tensor.kind() as i32).hash(&mut hasher);
    }
    hasher.finish().cast_signed()
}
