// `#[on]` needs the hook in which the method runs, unless the method has the name of one.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on]
    fn log(&self) {
        let _ = (self.period, self.on);
    }

    #[on(train, every = 2)]
    fn report() {}

    #[on(train, every = 2)]
    fn on_batch_end() {}
}

fn main() {}
