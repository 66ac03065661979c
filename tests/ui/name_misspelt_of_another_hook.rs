// For a misspelt value of another hook, the message says where the value is available.

use mixup::prelude::*;

struct Early;

#[callback]
impl Early {
    fn on_batch_begin(&self, last_los: &tch::Tensor) {
        let _ = last_los;
    }
}

fn main() {}
