// A function with `#[callback]` cannot have the name of a hook's value, because its name refers to the callback.

use mixup::prelude::*;

#[callback(on_epoch_end)]
fn train_loss(train_loss: f64) {
    println!("{train_loss}");
}

fn main() {}
