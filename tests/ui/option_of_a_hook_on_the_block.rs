// When a hook runs is said on its method.

use mixup::prelude::*;

struct Watch;

#[callback(every = 50, train)]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
