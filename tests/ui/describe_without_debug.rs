// What is described can be printed.

use mixup::prelude::*;

struct Watch;

#[callback(describe)]
impl Watch {
    fn on_batch_end(&mut self) {}
}

fn main() {}
