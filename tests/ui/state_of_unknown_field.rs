// `state` names fields of the callback.

use mixup::prelude::*;

struct Watch {
    seen: usize,
}

#[callback(state(sen))]
impl Watch {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

fn main() {}
