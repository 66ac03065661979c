// A name in `if` that is no value of the hook is looked up like any other name.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_begin, if = loud)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
