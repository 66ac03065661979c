// `#[callback]` belongs on the block, not on its methods.

use mixup::prelude::*;

struct Watch;

impl Watch {
    #[callback(on_epoch_end)]
    fn log(&self, epoch: usize) {
        let _ = epoch;
    }
}

fn main() {}
