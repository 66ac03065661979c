// A closure runs in one hook; a function or a method can run in several.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_epoch_begin, on_epoch_end, |epoch: usize| println!("{epoch}"))
}

fn main() {}
