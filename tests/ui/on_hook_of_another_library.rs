// `#[on(…)]` rejects other libraries' names with the hook and the filter to write.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    #[on(after_step)]
    fn step(&self) {}

    #[on(train_batch_end)]
    fn batch(&self) {}

    #[on(on_validation_end)]
    fn validated(&self) {}

    #[on(exception)]
    fn failed(&self) {}
}

fn main() {}
