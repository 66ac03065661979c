// `if` can use only the values of its hook.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_begin, if = last_loss.numel() == 1)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
