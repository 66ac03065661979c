// A function needs the hook in which it runs, whatever its own name.

use mixup::prelude::*;

#[callback]
fn on_epoch_end(epoch: usize) {
    println!("{epoch}");
}

#[callback(order = 3)]
fn shout(epoch: usize) {
    println!("{epoch}");
}

fn main() {}
