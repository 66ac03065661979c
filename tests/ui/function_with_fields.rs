// A function has no fields.

use mixup::prelude::*;

#[callback(on_epoch_end, state, describe(epoch))]
fn shout(epoch: usize) {
    println!("{epoch}");
}

fn main() {}
