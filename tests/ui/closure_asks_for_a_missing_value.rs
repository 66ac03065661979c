// A closure follows the same rules as a method.

use mixup::prelude::*;

fn early() -> impl Callback {
    hook!(on_batch_begin, |last_loss: &tch::Tensor| println!("{last_loss:?}"))
}

fn typed() -> impl Callback {
    hook!(on_batch_begin, |epoch: u32| println!("{epoch}"))
}

fn main() {}
