// The training loop awaits nothing.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_batch_end, async |iteration: usize| println!("{iteration}"))
}

fn main() {}
