// A parameter asks by its name, so a misspelt name is an error on that name.

use mixup::prelude::*;

struct Noise;

#[callback]
impl Noise {
    fn on_batch_begin(&self, las_input: &mut Input) {
        let _ = las_input;
    }

    fn on_batch_end(&self, loss: &tch::Tensor) {
        let _ = loss;
    }
}

fn main() {}
