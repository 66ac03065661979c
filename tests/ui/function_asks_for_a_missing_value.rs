// A function follows the same rules as a method.

use mixup::prelude::*;

#[callback(on_batch_begin)]
fn shout(last_loss: &tch::Tensor, epoch: u32) -> SkipStep {
    let _ = (last_loss, epoch);
    SkipStep
}

#[callback(on_batch_begin)]
fn whisper(epoch: u32) -> SkipStep {
    let _ = epoch;
    SkipStep
}

fn main() {}
