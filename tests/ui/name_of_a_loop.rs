// Names from a hand-written loop are rejected with the value's name and type.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_batch_end(&self, batch_idx: usize, xb: &tch::Tensor, preds: &tch::Tensor, loss: f64) {
        let _ = (batch_idx, xb, preds, loss);
    }

    fn on_train_begin(&self, n_epochs: usize, optimizer: &tch::Tensor) {
        let _ = (n_epochs, optimizer);
    }
}

fn main() {}
