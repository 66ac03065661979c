// A tuple of requests has only requests of its hook.

use mixup::prelude::*;

struct Both;

#[callback]
impl Both {
    fn on_step_end(&self) -> (KeepGradients, Option<SkipBatch>) {
        (KeepGradients, None)
    }
}

fn main() {}
