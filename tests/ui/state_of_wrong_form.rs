// `state` takes the names of fields in parentheses, or nothing.

use mixup::prelude::*;

struct Watch {
    seen: usize,
}

#[callback(state = seen, describe(), name = "watch")]
impl Watch {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

struct Other {
    seen: usize,
}

#[callback(state("seen"), describe(seen, seen))]
impl Other {
    fn on_batch_end(&mut self) {
        self.seen += 1;
    }
}

fn main() {}
