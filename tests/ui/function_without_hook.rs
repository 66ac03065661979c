// A function says in which hook it runs, whatever it is called.

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
