// A method runs once in a hook.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, epoch_end, batch_end)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
