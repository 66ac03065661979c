// All hooks of a type are in one block.

use mixup::prelude::*;

struct Hello;

#[callback]
impl Hello {
    fn on_train_begin(&self) {}
}

#[callback]
impl Hello {
    fn on_train_end(&self) {}
}

fn main() {}
