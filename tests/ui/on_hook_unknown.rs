// Where no hook and no filter is near, all that may stand there is listed.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(gradient_step)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
