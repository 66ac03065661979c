// `every` is at least 1.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, every = 0)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
