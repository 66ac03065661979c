// A hook cannot be generic over types or constants: a call does not determine them.

use mixup::prelude::*;

struct Print;

#[callback]
impl Print {
    fn on_batch_end<W: std::io::Write>(&self) {}

    fn on_epoch_end<const N: usize>(&self) {}
}

fn main() {}
