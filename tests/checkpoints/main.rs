//! Checkpoints: what is written when, what is kept, and that another program goes on from them with the same bits.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod forgotten;
mod going_on;
mod kept;
mod rejected;
mod reported;
#[path = "../support/mod.rs"]
mod support;

use std::{fs, path::Path};

use mixup::{learner::LearnerBuilder, prelude::*};
use support::{Linear, data, on};
use tch::Tensor;

/// A learner with much to remember: MixUp, moments, values, four batches and a validation of two in an epoch.
fn learner(checkpoints: Checkpoints) -> LearnerBuilder<Linear> {
    equipped(on(data(16, 7)), checkpoints)
}

/// The same on another model.
fn equipped<M: Model<Output = Tensor>>(builder: LearnerBuilder<M>, checkpoints: Checkpoints) -> LearnerBuilder<M> {
    let builder = builder.optimizer(AdamW::default()).metric(accuracy).mixup().callback(Recorder::default());
    builder.quiet().checkpoints(checkpoints)
}

/// The names of the checkpoints in a folder, in their order.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("the folder exists").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("a name of ours")).collect();
    names.retain(|name| name.starts_with("checkpoint-"));
    names.sort();
    names
}

/// Fails before a training batch, counted over the whole training.
struct FailAt(usize);

#[callback]
impl FailAt {
    #[on(batch_begin, train)]
    fn fail(&self, iteration: usize) -> Result<(), BoxError> {
        if iteration == self.0 { Err("the power is out".into()) } else { Ok(()) }
    }
}
