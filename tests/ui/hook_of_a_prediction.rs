// Predictions have hooks of their own.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_predict_start(&self) {}

    fn on_predict_batch_start(&self) {}

    fn predict_after_forward(&self) {}

    #[on(predict_batch)]
    fn log(&self) {}
}

fn main() {}
