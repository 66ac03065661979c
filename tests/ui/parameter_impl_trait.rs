// The types of values are fixed, so a parameter names its type.

use mixup::prelude::*;

struct Rate;

#[callback]
impl Rate {
    fn on_epoch_begin(&self, opt: &mut impl Optimizer, epoch: impl Into<u64>) {
        let _ = (opt, epoch.into());
    }
}

fn main() {}
