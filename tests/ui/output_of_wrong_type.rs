// A model's output is a type with tensors.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_loss_begin(&self, last_output: &f64) {
        let _ = last_output;
    }
}

fn main() {}
