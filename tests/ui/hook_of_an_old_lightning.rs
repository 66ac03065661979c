// Hooks that Lightning has removed are rejected with the hook to write, too.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_epoch_start(&self) {}

    fn on_batch_start(&self) {}

    fn validation_epoch_end(&self) {}

    fn on_keyboard_interrupt(&self) {}
}

fn main() {}
