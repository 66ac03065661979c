// Two hooks of one name are reported once.

use mixup::prelude::*;

struct Hello;

#[callback]
impl Hello {
    fn on_train_begin(&self) {}

    fn on_train_begin(&self, epochs: usize) {
        let _ = epochs;
    }
}

fn main() {}
