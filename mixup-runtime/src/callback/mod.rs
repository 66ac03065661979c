//! The language of callbacks: hooks, the events that they borrow, the requests that they return, and their order.
//!
//! One table has the hooks and their values, in `mixup-macros/src/hooks.rs`; the events and the trait [`Callback`] are
//! generated from it.

#[doc(hidden)]
pub mod describe;
mod dispatch;
#[doc(hidden)]
pub mod filter;
mod handler;
mod ignored;
mod link;
mod links;
mod order;
#[doc(hidden)]
pub mod own;
mod requests;

use std::{
    cell::{Ref, RefMut},
    time::Duration,
};

use tch::{Device, Tensor};

#[doc(hidden)]
pub use crate::state;
pub use crate::training::{Hook, Value};
use crate::{
    batch::{AnyOutput, Input, Target},
    data::{Data, Sampling},
    error::BoxError,
    loss::LossFunc,
    model::{AnyModel, Gradients, Params},
    optim::Optimizer,
    rng::Rng,
    state::Stateful,
    training::{Deferred, Error, Interrupt, Outcome, ReadError, RunningLoss, State, Tally, Values, World},
};
pub(crate) use dispatch::{Callbacks, Decision};
pub use handler::{Handler, Peer, Request, Several, list};
pub(crate) use link::{StepParts, Surroundings};
pub use links::{Links, Requested};
pub use requests::{
    HookResult, KeepGradients, Requests, SkipBackward, SkipBatch, SkipEpoch, SkipStep, SkipValidation, StopTraining,
    Validate,
};

mixup_macros::__events!();

/// The stand-in for a closure that does not compile: a callback without hooks.
#[doc(hidden)]
#[derive(Debug)]
pub struct NoHooks;

impl Callback for NoHooks {
    const NAME: &'static str = "closure";

    fn handlers(&self) -> Vec<Handler> {
        Vec::new()
    }
}
