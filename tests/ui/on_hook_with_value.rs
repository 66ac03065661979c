// A hook takes no value.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end = 3)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
