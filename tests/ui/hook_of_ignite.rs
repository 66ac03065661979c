// Ignite's events are rejected with the hook to write, as a method's name and in `#[on(…)]`.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn iteration_completed(&self) {}

    #[on(EPOCH_STARTED)]
    fn start(&self) {}

    #[on(STARTED)]
    fn begin(&self) {}
}

fn main() {}
