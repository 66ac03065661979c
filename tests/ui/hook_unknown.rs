// If no hook's name is similar, all hooks are listed; helpers belong in another block.

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
