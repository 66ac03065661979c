// An input and a target are enums that contain tensors.

use mixup::prelude::*;

struct Noise;

#[callback]
impl Noise {
    fn on_batch_begin(&self, last_input: &tch::Tensor, last_target: &mut tch::Tensor) {
        let _ = (last_input, last_target);
    }
}

fn main() {}
