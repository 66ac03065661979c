// A field that is saved implements serde's `Serialize` and `Deserialize`, or `Stateful`.

use mixup::prelude::*;

struct Clock(std::time::Instant);

struct Watch {
    seen: usize,
    clock: Clock,
}

#[callback(state(seen, clock))]
impl Watch {
    fn on_batch_end(&mut self) {
        self.seen += 1;
        self.clock.0 = std::time::Instant::now();
    }
}

fn main() {}
