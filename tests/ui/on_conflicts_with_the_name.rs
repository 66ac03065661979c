// A method with the name of a hook runs in that hook.

use mixup::prelude::*;

struct Watch {
    period: usize,
    on: bool,
}

#[callback]
impl Watch {
    #[on(epoch_end)]
    fn on_batch_end(&self) {
        let _ = (self.period, self.on);
    }
}

fn main() {}
