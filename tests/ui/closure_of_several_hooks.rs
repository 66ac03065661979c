// A closure serves one hook; what is to serve several is a function or a method.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_epoch_begin, on_epoch_end, |epoch: usize| println!("{epoch}"))
}

fn main() {}
