// `#[callback]` belongs on an `impl` block.

use mixup::prelude::*;

#[callback]
trait Hello {
    fn on_train_begin(&self);
}

fn main() {}
