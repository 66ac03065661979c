// `if` is a `bool`.

use mixup::prelude::*;

struct Watch {
    periods: (Vec<usize>, Vec<usize>),
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, if = self.periods.1.len())]
    fn log(&self) {
        let _ = (&self.periods, self.on);
    }
}

fn main() {}
