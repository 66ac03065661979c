// A loss is a tensor, and a number is read from it only when needed.

use mixup::prelude::*;

struct Log;

#[callback]
impl Log {
    fn on_batch_end(&self, last_loss: f64) {
        let _ = last_loss;
    }

    fn on_backward_begin(&self, last_loss: &f64) {
        let _ = last_loss;
    }
}

fn main() {}
