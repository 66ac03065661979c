// A callback asks for another one once.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_batch_end(&self, recorder: &mut Recorder, again: Option<&Recorder>) {
        let _ = (recorder, again);
    }
}

fn main() {}
