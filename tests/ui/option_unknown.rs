// An unknown option is an error on its name.

use mixup::prelude::*;

struct Hello;

#[callback(oder = 1)]
impl Hello {
    fn on_train_begin(&self) {}
}

struct World;

#[callback(priority = 1, on_epoch_end)]
impl World {
    fn on_train_begin(&self) {}
}

fn main() {}
