// A batch belongs to training or to validation, never to both.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, train, valid)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
