// A method of several hooks returns only what all of them may return.

use mixup::prelude::*;

struct Skip;

#[callback]
impl Skip {
    #[on(batch_begin, batch_end)]
    fn skip(&self) -> Option<SkipBatch> {
        None
    }
}

fn main() {}
