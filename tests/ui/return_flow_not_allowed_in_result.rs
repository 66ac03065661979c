// The same rule holds within a `Result`.

use mixup::prelude::*;

struct Skip;

#[callback]
impl Skip {
    fn on_train_end(&self) -> std::io::Result<StopTraining> {
        Ok(StopTraining::because("done"))
    }
}

fn main() {}
