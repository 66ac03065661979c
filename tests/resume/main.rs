//! A training goes on with the same bits from every position at which it can be saved.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod ahead;
mod callbacks;
mod found;
mod learners;
#[path = "../support/mod.rs"]
mod support;

use mixup::{learner::assert_resumes, prelude::*};

/// At how many positions the training was cut.
fn resumes(build: impl Fn() -> Result<Learner, BoxError>, epochs: usize) -> usize {
    let _alone = support::dropout::alone(); // two trainings at once disturb each other's dropout
    assert_resumes(build, epochs, 0.05).unwrap_or_else(|error| panic!("{error}"))
}

/// What the check says of a training that does not go on with the same bits.
fn difference(build: impl Fn() -> Result<Learner, BoxError>, epochs: usize) -> String {
    let _alone = support::dropout::alone();
    assert_resumes(build, epochs, 0.1).expect_err("it does not").to_string()
}
