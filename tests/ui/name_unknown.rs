// If no value's name is similar, the values of the hook are listed.

use mixup::prelude::*;

struct Rate;

#[callback]
impl Rate {
    fn on_train_begin(&self, temperature: f64) {
        let _ = temperature;
    }
}

fn main() {}
