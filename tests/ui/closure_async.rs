// A closure cannot be `async`: the training loop does not await hooks.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_batch_end, async |iteration: usize| println!("{iteration}"))
}

fn main() {}
