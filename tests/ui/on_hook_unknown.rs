// If no hook's or filter's name is similar, all of them are listed.

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
