// `#[on]` needs `#[callback]` on the block around it.

use mixup::prelude::*;

struct Watch;

impl Watch {
    #[on(batch_end)]
    fn log(&self) {}
}

fn main() {}
