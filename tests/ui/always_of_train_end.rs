// `on_train_end` always runs.

use mixup::prelude::*;

struct Undo;

#[callback]
impl Undo {
    #[on(train_end, always)]
    fn undo(&self) {}
}

fn main() {}
