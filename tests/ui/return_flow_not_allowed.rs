// A hook can return only the flow values that have a meaning there.

use mixup::prelude::*;

struct Skip;

#[callback]
impl Skip {
    fn on_epoch_end(&self) -> SkipBatch {
        SkipBatch
    }

    fn on_loss_begin(&self) -> Option<StopTraining> {
        None
    }
}

fn main() {}
