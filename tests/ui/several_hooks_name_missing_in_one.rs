// A method of several hooks asks only for values that exist in all of them; the message names the hook without the value.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    #[on(batch_end, epoch_end)]
    fn log(&self, epoch: usize, num_batch: usize) {
        let _ = (epoch, num_batch);
    }
}

fn main() {}
