// `always` runs whenever the phase was entered, so it takes no `every`, `first` or `last`.

use mixup::prelude::*;

struct Undo;

#[callback]
impl Undo {
    #[on(batch_end, always, every = 2)]
    fn undo(&self) {}
}

fn main() {}
