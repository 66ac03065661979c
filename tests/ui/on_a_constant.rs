// `#[on]` belongs on a method.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    #[on(batch_end)]
    const PERIOD: usize = 3;

    fn on_batch_end() {}
}

fn main() {}
