// A name is a text.

use mixup::prelude::*;

struct Watch {
    monitor: usize,
}

#[callback]
impl Watch {
    fn on_epoch_end(&self, #[name = self.monitor] monitored: &Value) {
        let _ = monitored;
    }
}

fn main() {}
