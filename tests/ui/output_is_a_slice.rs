// A model's output is the type that the model returns, not a slice.

use mixup::prelude::*;
use tch::Tensor;

struct Watch;

#[callback]
impl Watch {
    fn on_loss_begin(&self, last_output: &[Tensor]) {
        let _ = last_output;
    }
}

fn main() {}
