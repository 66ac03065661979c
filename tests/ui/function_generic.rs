// A function that is a callback has no type parameters.

use mixup::prelude::*;

#[callback(on_epoch_end)]
fn shout<T: Default>(epoch: usize) {
    let _ = (epoch, T::default());
}

fn main() {}
