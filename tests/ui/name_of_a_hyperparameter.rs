// Hyperparameters belong to the optimizer.

use mixup::prelude::*;

struct Rate;

#[callback]
impl Rate {
    fn on_batch_begin(&self, lr: f64, wd: f64) {
        let _ = (lr, wd);
    }

    fn on_epoch_end(&self, scheduler: usize) {
        let _ = scheduler;
    }
}

fn main() {}
