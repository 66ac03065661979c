// A value is asked for once; `_epoch` asks for `epoch`.

use mixup::prelude::*;

struct Twice;

#[callback]
impl Twice {
    fn on_epoch_end(&self, epoch: usize, _epoch: usize) {
        let _ = epoch;
    }
}

fn main() {}
