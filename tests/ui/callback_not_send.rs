// A callback must be `Send`, because the learner may move to another thread.

use mixup::prelude::*;

struct Shared(std::rc::Rc<()>);

#[callback]
impl Shared {
    fn on_train_begin(&self) {}
}

fn main() {}
