// A test is a validation on other data.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_test_start(&self) {}

    fn on_test_end(&self) {}
}

fn main() {}
