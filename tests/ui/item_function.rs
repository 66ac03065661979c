// `#[callback]` stands on an `impl` block.

use mixup::prelude::*;

#[callback]
fn on_epoch_end(epoch: usize) {
    println!("{epoch}");
}

fn main() {}
