// A hook has no learner: its parameters ask for values one by one.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_train_begin(&self, learn: &mut Learner) {
        let _ = learn;
    }

    fn on_epoch_begin(&self, l: &Learner) {
        let _ = l;
    }

    fn on_epoch_end(&self, trainer: usize, pl_module: usize) {
        let _ = (trainer, pl_module);
    }
}

fn main() {}
