// A method with `always` may ask for what existed when the phase began.

use mixup::prelude::*;

struct Undo;

#[callback]
impl Undo {
    #[on(batch_end, always)]
    fn undo(&self, last_loss: &tch::Tensor) {
        let _ = last_loss;
    }
}

fn main() {}
