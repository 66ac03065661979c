//! The language of callbacks: hooks, the events that they are lent, the flow values that they answer with, their order.
//!
//! The hooks and their names stand in one table, in `mixup-macros/src/hooks.rs`; the types here are generated from it.

mod dispatch;
mod flow;

use std::time::Duration;

use tch::{Device, Tensor};

pub(crate) use dispatch::{Callbacks, Decision};
pub use flow::{
    Flow, HookResult, KeepGradients, Outcome, SkipBackward, SkipBatch, SkipEpoch, SkipStep, SkipValidation,
    StopTraining,
};

use crate::{
    Rng,
    data::{Data, Fresh},
    error::{BoxError, Error},
    input::Input,
    learner::State,
    loss::LossFunc,
    model::{Gradients, Model, Params},
    optim::Optimizer,
    target::Target,
};

/// A hook that a callback has, and the names that it asks for there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The hook.
    pub hook: Hook,
    /// The names of the parameters, as written.
    pub names: &'static [&'static str],
}

mixup_macros::__runtime!();

impl Hook {
    /// Hooks that close what another opened run in reverse order, so that whoever came last is done first.
    #[must_use]
    pub fn is_end(self) -> bool {
        self.name().ends_with("_end")
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
