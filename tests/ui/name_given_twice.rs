// A parameter has one name.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_epoch_end(&self, #[name = "accuracy"] #[name = "mae"] monitored: &Value) {
        let _ = monitored;
    }
}

fn main() {}
