// `#[callback]` is given once.

use mixup::prelude::*;

struct Hello;

#[callback]
#[callback(order = 1)]
impl Hello {
    fn on_train_begin(&self) {}
}

fn main() {}
