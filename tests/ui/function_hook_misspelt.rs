// A misspelt hook of a function is an error on that word.

use mixup::prelude::*;

#[callback(on_epoch_edn)]
fn shout(epoch: usize) {
    println!("{epoch}");
}

#[callback(epoch_end)]
fn whisper(epoch: usize) {
    println!("{epoch}");
}

fn main() {}
