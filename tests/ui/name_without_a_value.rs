// `#[name = …]` says which name.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_epoch_end(&self, #[name] monitored: &Value) {
        let _ = monitored;
    }
}

fn main() {}
