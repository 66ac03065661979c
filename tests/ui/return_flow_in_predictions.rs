// Every item gets its prediction: hooks of predictions return no requests.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_predict_batch_begin(&self) -> SkipBatch {
        SkipBatch
    }

    fn on_predict_batch_end(&self) -> Option<StopTraining> {
        None
    }
}

fn main() {}
