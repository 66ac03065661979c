// A method that begins with `on_` is a hook, so a misspelt name is an error, and not a hook that never runs.

use mixup::prelude::*;

struct Count(usize);

#[callback]
impl Count {
    fn on_bacth_end(&mut self) {
        self.0 += 1;
    }
}

fn main() {}
