// The error of a hook's `Result` is an error.

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
