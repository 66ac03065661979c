// A parameter that is rejected gets no warning that it is not used.

use mixup::prelude::*;

struct Look;

#[callback]
impl Look {
    fn on_batch_end(&self, learner: &mut Learner, last_los: &Tensor) {}
}

#[callback(on_epoch_end)]
fn tell(accuracy: f64) {}

fn main() {
    let seen = 3;
    let _ = hook!(on_epoch_end, move |accuracy: f64| println!("{seen}"));
}
