// Composer's events are rejected with the hook to write, although they do not begin with `on_`.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn fit_start(&self) {}

    fn after_forward(&self) {}

    fn eval_batch_end(&self) {}

    fn epoch_checkpoint(&self) {}
}

fn main() {}
