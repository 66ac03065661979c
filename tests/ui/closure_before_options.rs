// Options are written before the closure.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_batch_end, |iteration: usize| println!("{iteration}"), every = 2)
}

fn main() {}
