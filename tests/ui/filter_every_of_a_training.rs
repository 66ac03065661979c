// A hook that runs once per training has no `every`, `first` or `last`.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(train_begin, every = 2, first)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
