// What other libraries set to change the loop, a hook returns.

use mixup::prelude::*;

struct Stop;

#[callback]
impl Stop {
    fn on_epoch_end(&self, stop_training: bool) {
        let _ = stop_training;
    }

    fn on_epoch_begin(&self, skip_validate: bool) {
        let _ = skip_validate;
    }

    fn on_step_end(&self, skip_zero: bool) {
        let _ = skip_zero;
    }
}

fn main() {}
