// A callback owns or shares its data, because the learner may outlive what it borrows.

use mixup::prelude::*;

struct Log<'a>(&'a mut Vec<usize>);

#[callback]
impl<'a> Log<'a> {
    fn on_epoch_end(&mut self, epoch: usize) {
        self.0.push(epoch);
    }
}

fn add(_: impl mixup::callback::Callback) {}

fn main() {
    let mut log = Vec::new();
    add(Log(&mut log));
}
