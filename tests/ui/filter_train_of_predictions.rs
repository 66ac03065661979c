// A prediction is neither training nor validation.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    #[on(predict_batch_begin, valid)]
    fn log(&self) {}

    #[on(batch_begin, predict_batch_begin, train)]
    fn both(&self) {}

    #[on(predict_begin, train)]
    fn begin(&self) {}

    #[on(predict_end, every = 2, last)]
    fn end(&self) {}
}

fn main() {}
