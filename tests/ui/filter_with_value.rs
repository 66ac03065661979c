// A filter that is a flag takes no value.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, train = true)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
