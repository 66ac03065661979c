// `every` is a whole number.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, every = "50")]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
