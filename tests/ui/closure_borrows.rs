// A closure owns what it uses, because the learner keeps it.

use mixup::prelude::*;

fn callbacks(name: &str) -> impl Callback {
    hook!(on_batch_end, move |iteration: usize| println!("{name}: {iteration}"))
}

fn main() {}
