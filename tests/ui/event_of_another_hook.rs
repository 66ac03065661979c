// `event` has the type that belongs to the hook.

use mixup::{callback::EpochEnd, prelude::*};

struct Watch;

#[callback]
impl Watch {
    fn on_batch_end(&self, event: &mut EpochEnd<'_>) {
        let _ = event.epoch;
    }

    fn on_epoch_begin(&self, event: usize) {
        let _ = event;
    }
}

fn main() {}
