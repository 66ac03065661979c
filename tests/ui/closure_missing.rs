// A closure follows the hook and its options.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_batch_end, every = 2)
}

fn print() {}

fn more() -> impl Callback {
    hook!(on_batch_end, print)
}

fn nothing() -> impl Callback {
    hook!()
}

fn main() {}
