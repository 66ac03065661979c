// A misspelt name of another library's hook is treated as that name.

use mixup::prelude::*;

struct Watch;

#[callback]
impl Watch {
    fn on_train_bacth_end(&self) {}
}

fn main() {}
