// A parameter is a plain name, for the name says what is asked for.

use mixup::prelude::*;

struct Best;

#[callback]
impl Best {
    fn on_epoch_end(&self, [first, ..]: &[f64; 1], _: usize) {
        let _ = first;
    }
}

fn main() {}
