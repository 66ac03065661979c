// `if` is a `bool`.

use mixup::prelude::*;

struct Watch {
    periods: (usize, usize),
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, if = self.periods.1)]
    fn log(&self) {
        let _ = (self.periods, self.on);
    }
}

fn main() {}
