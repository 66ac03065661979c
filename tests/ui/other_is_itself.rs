// A callback cannot ask for itself.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_batch_end(&self, other: &mut Watch) {
        let _ = other;
    }

    fn on_epoch_end(&self, other: Option<&Self>) {
        let _ = other;
    }
}

fn main() {}
