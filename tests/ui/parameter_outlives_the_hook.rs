// A value is borrowed only while the hook runs.

use mixup::prelude::*;

struct Keep<'a> {
    input: Option<&'a Input>,
}

#[callback]
impl<'a> Keep<'a> {
    fn on_batch_begin(&mut self, last_input: &'a Input) {
        self.input = Some(last_input);
    }

    fn on_batch_end(&mut self, last_target: &'static mut Target) {
        let _ = last_target;
    }
}

fn main() {}
