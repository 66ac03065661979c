// A hook that runs only in training has no batches of validation.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(backward_end, valid)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
