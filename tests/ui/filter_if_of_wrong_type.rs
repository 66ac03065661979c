// `if` is a `bool`.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, if = self.period)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
