// A value that does not exist yet cannot be asked for; the message says where it is first there.

use mixup::prelude::*;

struct Early;

#[callback]
impl Early {
    fn on_batch_begin(&self, last_loss: &tch::Tensor) {
        let _ = last_loss;
    }

    fn on_epoch_end(&self, outcome: &Outcome) {
        let _ = outcome;
    }
}

fn main() {}
