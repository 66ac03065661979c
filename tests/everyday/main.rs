//! What people reach for in their first week: schedules, the finder of learning rates, the ready-made callbacks.
#![allow(clippy::cast_precision_loss, reason = "small counts become numbers")]
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod batches;
mod half;
mod loggers;
mod losses;
mod lr_find;
mod metrics;
#[path = "../numbers/mod.rs"]
mod numbers;
mod pictures;
mod schedules;
#[path = "../support/mod.rs"]
mod support;
mod tensor_board;
mod watching;
mod weights;

use mixup::{learner::assert_resumes, prelude::*};

/// Trains, cuts the training everywhere, and checks that it goes on with the same bits.
#[track_caller]
fn resumes(build: impl Fn() -> Result<Learner, BoxError>, epochs: usize, lr: f64) -> usize {
    let _alone = support::dropout::alone();
    assert_resumes(build, epochs, lr).unwrap_or_else(|error| panic!("{error}"))
}
