// A parameter must be a plain name, because the name says which value to pass.

use mixup::prelude::*;

struct Best;

#[callback]
impl Best {
    fn on_epoch_end(&self, [first, ..]: &[f64; 1], _: usize) {
        let _ = first;
    }
}

fn main() {}
