// An error of a hook is `Send` and `Sync`.

use mixup::prelude::*;

use std::error::Error;

struct Fail;

#[callback]
impl Fail {
    fn on_batch_end(&self) -> Result<(), Box<dyn Error>> {
        Ok(())
    }

    fn on_epoch_end(&self) -> Result<Option<StopTraining>, Box<dyn std::error::Error + Send>> {
        Ok(None)
    }
}

fn main() {}
