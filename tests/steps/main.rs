//! Training steps of the user's, and several optimizers in one learner.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod flow;
mod optimizers;
mod rejected;
#[path = "../support/mod.rs"]
mod support;

use mixup::{learner::LearnerBuilder, prelude::*};
use support::{Linear, data, on};
use tch::Tensor;

/// Does what the learner's own step does, with the parts that users have.
struct Plain;

impl TrainStep for Plain {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        let loss = now.loss()?;
        now.optimize_all(loss)
    }

    fn uses(&self) -> &'static [Uses] {
        Uses::ALL
    }
}

/// Has each of two optimizers minimize a loss of its own: the mean output by the weights, its square by the bias.
struct Duel;

impl Duel {
    fn mean(now: &Step<'_>) -> Result<Tensor, BoxError> {
        let output = now.model::<Linear>()?.forward_batch(now.input(), true)?;
        Ok(output.f_mean(None)?)
    }
}

impl TrainStep for Duel {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        let loss = Self::mean(now)?;
        now.optimize("weight", loss)?;
        let loss = Self::mean(now)?.f_square()?;
        now.optimize("bias", loss)
    }
}

/// A quiet learner on two batches of four, whose weights and biases have an optimizer each.
fn duel(step: impl TrainStep) -> LearnerBuilder<Linear> {
    on(data(8, 0))
        .group("weight", |name, _| name == "weight")
        .group("bias", |name, _| name == "bias")
        .optimizer_for("weight", Sgd::default())
        .optimizer_for("bias", Adam::default())
        .step(step)
}
