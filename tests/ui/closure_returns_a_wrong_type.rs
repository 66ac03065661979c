// A closure returns only what its hook may return.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(on_batch_begin, |epoch: usize| SkipStep)
}

fn typed() -> impl Callback {
    hook!(on_batch_begin, |epoch: usize| -> Option<SkipStep> { None })
}

fn main() {}
