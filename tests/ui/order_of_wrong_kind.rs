// `before` and `after` take a type.

use mixup::prelude::*;

struct Watch;

#[callback(before = "Recorder")]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
