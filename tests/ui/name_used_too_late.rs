// A hook cannot ask for a value that no longer exists; the message says where it is available.

use mixup::prelude::*;

struct Late;

#[callback]
impl Late {
    fn on_batch_end(&self, gradients: &Gradients) {
        let _ = gradients;
    }

    fn on_epoch_end(&self, last_input: &Input) {
        let _ = last_input;
    }

    fn on_train_end(&self, _epoch: usize) {}
}

fn main() {}
