// `train` and `valid` select batches.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(epoch_end, train)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
