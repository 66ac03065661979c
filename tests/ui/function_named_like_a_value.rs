// A function with `#[callback]` is not called as a value of the hooks is: its name stands for a callback.

use mixup::prelude::*;

#[callback(on_epoch_end)]
fn train_loss(train_loss: f64) {
    println!("{train_loss}");
}

fn main() {}
