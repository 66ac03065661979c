// An option needs its value.

use mixup::prelude::*;

struct Hello;

#[callback(order, name("hello"), crate =)]
impl Hello {
    fn on_train_begin(&self) {}
}

fn main() {}
