// All mistakes of a block are reported at once.

use mixup::prelude::*;

struct Many;

#[callback(prio = 1)]
impl Many {
    fn on_bacth_end(&self) {}

    fn on_epoch_begin(self, epoch: &mut usize, last_input: &Input) {
        let _ = (epoch, last_input);
    }

    fn on_train_end(&self, outcom: &Outcome) -> StopTraining {
        let _ = outcom;
        StopTraining::because("done")
    }

    fn on_epoch_end(&self) -> usize {
        0
    }
}

fn main() {}
