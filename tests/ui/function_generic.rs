// A function that is a callback cannot be generic over types.

use mixup::prelude::*;

#[callback(on_epoch_end)]
fn shout<T: Default>(epoch: usize) {
    let _ = (epoch, T::default());
}

fn main() {}
