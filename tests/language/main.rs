//! The language of callbacks: what can be written, and what it means.
//!
//! `tests/ui` has what is rejected.
#![allow(
    clippy::elidable_lifetime_names,
    clippy::float_cmp,
    clippy::items_after_statements,
    clippy::needless_arbitrary_self_type,
    clippy::needless_lifetimes,
    clippy::too_many_arguments,
    clippy::too_many_lines,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "what may be written is, whether it is nice or not"
)]

mod always;
mod hooks;
mod on;
mod order;
mod others;
mod places;
mod requests;
mod state;
#[path = "../support/mod.rs"]
mod support;
pub mod surroundings;
mod values;

use mixup::{callback::Hook, model::Vars, prelude::*};
use tch::{Device, Kind, Tensor, nn};

/// Trains a linear layer on one batch of four items for two epochs, and validates on the same.
fn train(callback: impl Callback) -> (Learner, Report) {
    let batch = || {
        let input = Tensor::arange(8, (Kind::Float, Device::Cpu)).view([4, 2]);
        Batch { input: Input::Tensor(input), target: Target::Classes(Tensor::from_slice(&[0_i64, 1, 0, 1])) }
    };
    let data = Data::from_batches(vec![batch()], vec![batch()]).expect("the batches have four items");
    let model = |vars: &Vars<'_>| nn::linear(vars.path() / "linear", 2, 2, nn::LinearConfig::default());
    let mut learn = Learner::builder(data, model)
        .metric(accuracy)
        .callback(callback)
        .quiet()
        .build()
        .expect("there is a processor");
    let report = learn.fit(2, 1e-3).expect("nothing goes wrong");
    (learn, report)
}

fn names(callback: &impl Callback, hook: Hook) -> Option<&'static [&'static str]> {
    callback.handlers().iter().find(|handler| handler.hook == hook).map(|handler| handler.names)
}
