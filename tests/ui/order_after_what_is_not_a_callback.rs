// `before` and `after` name callbacks.

use mixup::prelude::*;

struct Settings;

struct Watch;

#[callback(after = Settings)]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
