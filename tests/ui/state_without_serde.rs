// A state must implement serde's `Serialize` and `Deserialize`.

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
