// Lightning's batch hooks belong to training or to validation; here a hook runs in both, and a filter selects one.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_train_start(&self) {}

    fn on_train_batch_start(&self) {}

    fn on_train_batch_end(&self) {}

    fn on_validation_batch_end(&self) {}

    fn on_before_zero_grad(&self) {}
}

fn main() {}
