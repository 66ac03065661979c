// A closure's parameters need types.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_batch_end, |iteration, last_input| {
        let _ = (iteration, last_input);
    })
}

fn main() {}
