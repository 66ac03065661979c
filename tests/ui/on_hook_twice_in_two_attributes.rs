// A method runs once in a hook, whatever the filters.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, every = 2)]
    #[on(batch_end, last)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
