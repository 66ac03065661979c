// A stop says why.

use mixup::prelude::*;

struct Stop;

#[callback]
impl Stop {
    fn on_batch_end(&self, iteration: usize) -> Option<StopTraining> {
        (iteration > 3).then_some(StopTraining)
    }

    fn on_epoch_end(&self) -> Option<StopTraining> {
        Some(StopTraining("enough"))
    }
}

fn closure() -> impl Callback {
    hook!(on_epoch_end, |epoch: usize| if epoch > 3 { Some(StopTraining) } else { None })
}

fn main() {}
