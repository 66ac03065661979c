// A filter is given once.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, every = 2, every = 3)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
