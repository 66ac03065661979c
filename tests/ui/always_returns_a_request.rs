// A method with `always` can ask nothing of the loop.

use mixup::prelude::*;

struct Undo;

#[callback]
impl Undo {
    #[on(validate_end, always)]
    fn undo(&self) -> StopTraining {
        StopTraining::because("enough")
    }
}

fn main() {}
