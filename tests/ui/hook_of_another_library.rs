// A hook's name in another library is rejected with the name used here.

use mixup::prelude::*;

struct Hello;

#[callback]
impl Hello {
    fn on_train_start(&self) {}

    fn on_train_batch_start(&self) {}

    fn on_validation_end(&self) {}

    fn before_batch(&self) {}

    fn on_epoch_end(&self) {}
}

fn main() {}
