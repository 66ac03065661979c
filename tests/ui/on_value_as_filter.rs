// A value is compared in `if`.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    #[on(epoch_end, epoch = 3)]
    fn third(&self) {}

    #[on(batch_end, train, iteration % 100 == 0)]
    fn hundredth(&self) {}

    #[on(batch_begin, num_batch)]
    fn batch(&self) {}
}

fn main() {}
