// `#[on]` takes a hook without `on_`.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(on_batch_end)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
