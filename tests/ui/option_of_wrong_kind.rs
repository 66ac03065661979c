// An option's value is of the right kind.

use mixup::prelude::*;

struct Hello;

#[callback(order = "first", name = 3, crate = "mixup")]
impl Hello {
    fn on_train_begin(&self) {}
}

struct World;

#[callback(order = -1.5, name = " ")]
impl World {
    fn on_train_begin(&self) {}
}

struct Both;

#[callback(crate = Self)]
impl Both {
    fn on_train_begin(&self) {}
}

fn main() {}
