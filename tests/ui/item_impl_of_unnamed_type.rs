// A callback is a struct or an enum.

use mixup::prelude::*;

trait Greets {}

#[callback]
impl dyn Greets {
    fn on_train_begin(&self) {}
}

fn main() {}
