// Where no hook is near, all of them are listed, and a helper is sent to a block of its own.

use mixup::prelude::*;

struct Saver;

#[callback]
impl Saver {
    fn on_epoch_end(&self) {
        self.on_checkpoint();
    }

    fn on_checkpoint(&self) {}
}

fn main() {}
