// `#[callback]` belongs on the `impl` block, not on the type.

use mixup::prelude::*;

#[callback]
struct Hello;

impl Hello {
    fn on_train_begin(&self) {}
}

fn main() {}
