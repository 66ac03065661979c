// A hook asks for a value once; `_epoch` asks for `epoch`, too.

use mixup::prelude::*;

struct Twice;

#[callback]
impl Twice {
    fn on_epoch_end(&self, epoch: usize, _epoch: usize) {
        let _ = epoch;
    }
}

fn main() {}
