//! The language of callbacks: hooks, the events that they are lent, the flow values that they answer with, their order.
//!
//! The hooks and their names stand in one table, in `mixup-macros/src/hooks.rs`; the events and the trait [`Callback`] are
//! generated from it.

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
    Flow, HookResult, KeepGradients, SkipBackward, SkipBatch, SkipEpoch, SkipStep, SkipValidation, StopTraining,
};
use others::Others;
pub use state::{CallbackState, CallbackStates, StateError};

pub use crate::training::Hook;
use crate::{
    batch::{Fresh, Input, Target},
    data::Data,
    error::BoxError,
    loss::LossFunc,
    model::{Gradients, Model, Params},
    optim::Optimizer,
    rng::Rng,
    training::{Error, Outcome, ReadError, State, Untold},
};

mixup_macros::__events!();

/// What is left of a closure that does not compile: a callback all the same.
#[doc(hidden)]
#[derive(Debug)]
pub struct NoHooks;

impl Callback for NoHooks {
    const NAME: &'static str = "closure";
    const HOOKS: &'static [Asked] = &[];
}
