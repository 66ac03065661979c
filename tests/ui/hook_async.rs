// The training loop calls a hook and goes on when it returns: hooks are not `async`.

use mixup::prelude::*;

struct Upload;

#[callback]
impl Upload {
    async fn on_epoch_end(&self) {}
}

fn main() {}
