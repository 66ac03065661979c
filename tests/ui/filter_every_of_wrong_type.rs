// `every` is a `usize`, even if it is a field; the compiler checks the type.

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
