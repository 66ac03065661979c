// A function has no `self`.

use mixup::prelude::*;

#[callback(on_epoch_end, every = self.period)]
fn shout(epoch: usize) {
    println!("{epoch}");
}

fn main() {}
