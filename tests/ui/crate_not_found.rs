// If the crate `mixup` has another name, `crate` gives its path.

use mixup::prelude::*;

struct Watch;

#[callback(crate = elsewhere)]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
