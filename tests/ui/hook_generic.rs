// A hook has no type parameters: nothing says what they would be.

use mixup::prelude::*;

struct Print;

#[callback]
impl Print {
    fn on_batch_end<W: std::io::Write>(&self) {}

    fn on_epoch_end<const N: usize>(&self) {}
}

fn main() {}
