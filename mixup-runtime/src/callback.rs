//! The language of callbacks: hooks, the events that they are lent, the flow values that they answer with, their order.
//!
//! The hooks and their names stand in one table, in `mixup-macros/src/hooks.rs`; the types here are generated from it.

mod asked;
#[doc(hidden)]
pub mod describe;
mod dispatch;
#[doc(hidden)]
pub mod filter;
mod flow;
mod order;
#[doc(hidden)]
pub mod others;
#[doc(hidden)]
pub mod state;

use std::time::Duration;

use tch::{Device, Tensor};

pub use asked::{Askable, Asked, Peer};
pub(crate) use dispatch::{Callbacks, Decision};
pub use flow::{
    Flow, HookResult, KeepGradients, Outcome, SkipBackward, SkipBatch, SkipEpoch, SkipStep, SkipValidation,
    StopTraining,
};
use others::Others;
pub use state::{CallbackState, CallbackStates, StateError};

use crate::{
    Rng,
    data::{Data, Fresh},
    error::{BoxError, Error, ReadError},
    input::Input,
    learner::{State, Untold},
    loss::LossFunc,
    model::{Gradients, Model, Params},
    optim::Optimizer,
    target::Target,
};

mixup_macros::__runtime!();

/// What is left of a closure that does not compile: a callback all the same.
#[doc(hidden)]
#[derive(Debug)]
pub struct NoHooks;

impl Callback for NoHooks {
    const NAME: &'static str = "closure";
    const HOOKS: &'static [Asked] = &[];
}

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
