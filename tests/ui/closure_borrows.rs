// A learner keeps its callbacks, so a closure owns what it uses.

use mixup::prelude::*;

fn callbacks(name: &str) -> impl Callback {
    hook!(on_batch_end, move |iteration: usize| println!("{name}: {iteration}"))
}

fn main() {}
