// Numbers are copies: changing one would change nothing.

use mixup::prelude::*;

struct Skip;

#[callback]
impl Skip {
    fn on_epoch_begin(&self, epoch: &mut usize) {
        *epoch += 1;
    }
}

fn main() {}
