// If the value is not available in this hook, the message says where it is.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_batch_begin(&self, pred: &tch::Tensor) {
        let _ = pred;
    }

    fn on_train_end(&self, global_step: usize) {
        let _ = global_step;
    }
}

fn main() {}
