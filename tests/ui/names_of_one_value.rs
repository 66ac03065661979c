// `#[names = …]` chooses several values.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_epoch_end(&self, #[names = ["first", "second"]] stats: &mut Value) {
        stats.set(1.0);
    }
}

fn main() {}
