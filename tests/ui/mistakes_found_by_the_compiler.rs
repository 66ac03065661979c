// A mistake in the block that the compiler finds is reported once.

use mixup::prelude::*;

struct Watch<W>(W);

#[callback]
impl<W: Wrte> Watch<W> {
    fn on_train_begin(&self) {}
}

#[callback]
impl Wach {
    fn on_train_begin(&self) {}
}

struct Hello;

#[callback(crate = nowhere)]
impl Hello {
    fn on_train_begin(&self, epochs: usize) {
        let _ = epochs;
    }
}

fn main() {}
