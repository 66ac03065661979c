// A number is not a flow value.

use mixup::prelude::*;

struct Count(usize);

#[callback]
impl Count {
    fn on_batch_end(&mut self) -> usize {
        self.0 += 1;
        self.0
    }
}

fn main() {}
