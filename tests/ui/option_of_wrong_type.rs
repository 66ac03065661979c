// A type that only the compiler can check is reported by the compiler, on the value.

use mixup::prelude::*;

const FIRST: u8 = 1;

struct Hello;

#[callback(order = FIRST)]
impl Hello {
    fn on_train_begin(&self) {}
}

fn main() {}
