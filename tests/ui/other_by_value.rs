// Another callback is borrowed.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_batch_end(&self, recorder: Recorder) {
        let _ = recorder;
    }
}

fn main() {}
