// `hook!` needs the hook in which the closure runs.

use mixup::prelude::*;

fn callbacks() -> impl Callback {
    hook!(|iteration: usize| println!("{iteration}"))
}

fn main() {}
