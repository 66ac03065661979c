// A misspelt filter is an error on that word.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, trian)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
