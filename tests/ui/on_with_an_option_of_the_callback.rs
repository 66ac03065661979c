// An option of the whole callback belongs in `#[callback]`, not in `#[on]`.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_end, order = 10)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
