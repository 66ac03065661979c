// Each hook has its own type of event.

use mixup::{callback::BatchBegin, prelude::*};

struct Watch;

#[callback]
impl Watch {
    #[on(batch_begin, batch_end)]
    fn log(&self, event: &mut BatchBegin<'_>) {
        let _ = event.epoch;
    }
}

fn main() {}
