// A method of several hooks returns what all of them may.

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
