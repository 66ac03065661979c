// A hook is a method.

use mixup::prelude::*;

struct Print;

#[callback]
impl Print {
    fn on_epoch_end(epoch: usize) {
        println!("{epoch}");
    }
}

fn main() {}
