// There is no hook for errors: `on_train_end` also runs after them, and `outcome` says how training ended.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_exception(&self) {}

    fn after_cancel_fit(&self) {}
}

fn main() {}
