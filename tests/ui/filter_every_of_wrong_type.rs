// Every is a `usize`, also where it is a field; the compiler compares.

use mixup::prelude::*;

struct Watch {
    period: u32,
}

#[callback]
impl Watch {
    #[on(batch_end, every = self.period)]
    fn log() {}
}

fn main() {}
