// A mistake in a parameter does not hide those in the others.

use mixup::prelude::*;

struct Look;

#[callback]
impl Look {
    fn on_batch_end(&self, last_los: &Tensor, epoch: String, last_target: &Tensor, accuracy: &Value, last_output: &Target) {}

    #[on(batch_begin, epoch_end)]
    fn at_both(&self, last_loss: &Tensor, last_input: &Input, epoch: f32) {}
}

#[callback(on_epoch_end)]
fn tell(epoch: &mut usize, epochs: i64, accuracy: f64) {}

fn main() {
    let _ = hook!(on_epoch_end, |epoch: &mut usize, epochs: i64| {});
}
