// A callback's state is saved and restored by its fields, not by hooks.

use mixup::prelude::*;

struct Watch {
    best: f64,
}

#[callback]
impl Watch {
    fn on_save_checkpoint(&self) {
        let _ = self.best;
    }

    fn on_load_checkpoint(&mut self) {
        self.best = 0.0;
    }
}

fn main() {}
