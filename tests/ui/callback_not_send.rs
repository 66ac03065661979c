// A callback can go to another thread, as the learner can.

use mixup::prelude::*;

struct Shared(std::rc::Rc<()>);

#[callback]
impl Shared {
    fn on_train_begin(&self) {}
}

fn main() {}
