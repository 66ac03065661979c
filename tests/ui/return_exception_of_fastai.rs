// fastai v2's exceptions are values that hooks return.

use mixup::prelude::*;

struct Stop;

#[callback]
impl Stop {
    fn on_batch_end(&self) -> Result<(), CancelFitException> {
        Ok(())
    }

    fn on_validate_begin(&self) -> Option<CancelValidException> {
        None
    }
}

fn main() {}
