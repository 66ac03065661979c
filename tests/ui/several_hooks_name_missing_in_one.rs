// A method of several hooks asks for what exists in all of them; the message says where it is missing.

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
