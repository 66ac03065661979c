// A hook that asks for the event takes its values from it.

use mixup::{callback::BatchEnd, prelude::*};

struct Watch;

#[callback]
impl Watch {
    fn on_batch_end(&self, event: &mut BatchEnd<'_>, iteration: usize, recorder: &Recorder) {
        let _ = (event.epoch, iteration, recorder);
    }
}

fn main() {}
