// `#[name = …]` chooses a published value or a callback; a value of the hook has its name.

use mixup::prelude::*;

struct Watch {
    monitor: String,
}

#[callback]
impl Watch {
    fn on_epoch_end(&self, #[name = self.monitor] epoch: usize) {
        let _ = epoch;
    }
}

fn main() {}
