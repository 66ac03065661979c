// Who has the crate under another name says so with `crate`.

use mixup::prelude::*;

struct Watch;

#[callback(crate = training)]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
