// A callback with `stateful` implements `Stateful`.

use mixup::prelude::*;

struct Watch {
    seen: usize,
}

#[callback(stateful)]
impl Watch {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

fn main() {}
