// `#[on]` takes a hook without `on_`; a misspelt hook is an error on that word.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(batch_ned, train)]
    fn log(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
