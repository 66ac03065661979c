// A state is what `serde` can write down and read.

use mixup::prelude::*;

struct Watch {
    seen: usize,
}

#[callback(state)]
impl Watch {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

fn main() {}
