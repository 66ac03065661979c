// A slip in the name of a value that is elsewhere is led there.

use mixup::prelude::*;

struct Early;

#[callback]
impl Early {
    fn on_batch_begin(&self, last_los: &tch::Tensor) {
        let _ = last_los;
    }
}

fn main() {}
