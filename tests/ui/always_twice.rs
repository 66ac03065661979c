// `always` is given once.

use mixup::prelude::*;

struct Undo;

#[callback]
impl Undo {
    #[on(epoch_end, always, always)]
    fn undo(&self) {}
}

fn main() {}
