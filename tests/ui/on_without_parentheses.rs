// `#[on]` takes its hook in parentheses.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on = "batch_end"]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
