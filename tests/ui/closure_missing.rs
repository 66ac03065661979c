// Behind the hook and its options stands a closure.

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
