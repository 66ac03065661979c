// A method's filters belong on the method.

use mixup::prelude::*;

struct Watch;

#[callback(every = 50, train)]
impl Watch {
    fn on_batch_end(&self) {}
}

fn main() {}
