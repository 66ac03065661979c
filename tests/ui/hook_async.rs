// A hook cannot be `async`: the training loop does not await it.

use mixup::prelude::*;

struct Upload;

#[callback]
impl Upload {
    async fn on_epoch_end(&self) {}
}

fn main() {}
