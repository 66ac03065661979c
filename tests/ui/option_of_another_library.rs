// Other libraries' options of a callback are rejected with the option to write.

use mixup::prelude::*;

struct Watch;

#[callback(run_after = Recorder, toward_end = true)]
impl Watch {
    fn on_epoch_end(&self) {}
}

struct Trained;

#[callback(run_valid = false)]
impl Trained {
    fn on_batch_end(&self) {}
}

fn main() {}
