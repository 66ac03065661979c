// A hook is called by safe Rust code.

use mixup::prelude::*;

struct Raw;

#[callback]
impl Raw {
    unsafe fn on_batch_end(&self) {}

    extern "C" fn on_epoch_end(&self) {}
}

fn main() {}
