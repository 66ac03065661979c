// A callback that is described must implement `Debug`.

use mixup::prelude::*;

struct Watch;

#[callback(describe)]
impl Watch {
    fn on_batch_end(&mut self) {}
}

fn main() {}
