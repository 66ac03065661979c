// The hooks of a block are its methods.

use mixup::prelude::*;

struct Watch;

#[callback(on_epoch_end)]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
