// What is inside a `Result` is held to the same rule.

use mixup::prelude::*;

struct Skip;

#[callback]
impl Skip {
    fn on_train_end(&self) -> std::io::Result<StopTraining> {
        Ok(StopTraining::because("done"))
    }
}

fn main() {}
