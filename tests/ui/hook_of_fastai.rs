// The names of fastai v2's events are rejected with the hook that runs at the same moment.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn before_fit(&self) {}

    fn before_batch(&self) {}

    fn after_loss(&self) {}

    fn after_cancel_batch(&self) {}

    fn on_epoch_end(&self) {}
}

fn main() {}
