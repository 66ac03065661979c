// Functions and closures reject other libraries' names of hooks with the hook to write.

use mixup::prelude::*;

#[callback(on_train_batch_end, every = 50)]
fn shout(iteration: usize) {
    println!("{iteration}");
}

fn closure() -> impl Callback {
    hook!(on_validation_end, |valid_loss: Option<f64>| println!("{valid_loss:?}"))
}

fn main() {}
