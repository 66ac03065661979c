// A number is passed as a copy, so a change would have no effect.

use mixup::prelude::*;

struct Skip;

#[callback]
impl Skip {
    fn on_epoch_begin(&self, epoch: &mut usize) {
        *epoch += 1;
    }
}

fn main() {}
