// `always` belongs to the end of a batch, of a validation or of an epoch.

use mixup::prelude::*;

struct Undo;

#[callback]
impl Undo {
    #[on(step_end, always)]
    fn undo(&self) {}
}

fn main() {}
