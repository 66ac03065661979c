// The error of a hook's `Result` must be an error type.

use mixup::prelude::*;

struct NotAnError;

struct Fail;

#[callback]
impl Fail {
    fn on_batch_end(&self) -> Result<(), NotAnError> {
        Err(NotAnError)
    }
}

fn main() {}
