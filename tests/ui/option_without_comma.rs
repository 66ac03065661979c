// Options are separated by commas.

use mixup::prelude::*;

struct Hello;

#[callback(order = 1 name = "hello")]
impl Hello {
    fn on_train_begin(&self) {}
}

struct World;

#[callback(10)]
impl World {
    fn on_train_begin(&self) {}
}

fn main() {}
