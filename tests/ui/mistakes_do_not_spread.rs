// A mistake causes no further errors: the type is still a callback, and its methods still exist.

use mixup::prelude::*;

struct Count(usize);

#[callback]
impl Count {
    fn on_bacth_end(&mut self) {
        self.0 += 1;
    }

    fn on_epoch_end(&mut self) {
        self.on_bacth_end();
    }

    fn count(&self) -> usize {
        self.0
    }
}

fn add(_: impl mixup::callback::Callback) {}

fn main() {
    let count = Count(0);
    println!("{}", count.count());
    add(count);
}
