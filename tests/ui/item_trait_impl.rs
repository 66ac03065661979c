// `#[callback]` belongs on the type's own `impl` block: it implements the trait itself.

use mixup::prelude::*;

struct Hello;

#[callback]
impl Callback for Hello {
    fn on_train_begin(&self) {}
}

fn main() {}
