// A learner has no test phase: a test is a validation with other data.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_test_start(&self) {}

    fn on_test_end(&self) {}
}

fn main() {}
