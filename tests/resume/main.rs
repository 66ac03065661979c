//! A training goes on with the same bits from every position at which it can be saved.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

#[path = "../support/mod.rs"]
mod support;

use mixup::{learner::assert_resumes, prelude::*};
use support::{Linear, data, linear, on};

fn resumes(build: impl Fn() -> Result<Learner, BoxError>, epochs: usize) -> usize {
    assert_resumes(build, epochs, 0.05).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_plain_training_resumes_at_every_position() {
    // Before each of four training batches and two validation batches of two epochs, and after each epoch.
    assert_eq!(resumes(|| Ok(on(data(16, 7)).metric(accuracy).build()?), 2), 14);
}
