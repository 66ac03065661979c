// Predictions run the hooks of a validation.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_predict_start(&self) {}

    fn on_predict_batch_end(&self) {}
}

fn main() {}
