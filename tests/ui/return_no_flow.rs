// A number is no answer that the training loop could follow.

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
