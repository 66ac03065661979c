// Keras's batch hooks have a phase in their names; here a filter selects it.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_train_batch_begin(&self) {}

    fn on_test_batch_end(&self) {}

    fn on_train_end(&self) {}
}

fn main() {}
