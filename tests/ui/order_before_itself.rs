// A callback runs before or after another one.

use mixup::prelude::*;

struct Watch;

#[callback(before = Watch, after = Self)]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
