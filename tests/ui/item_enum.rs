// `#[callback]` belongs on the `impl` block, not on the type.

use mixup::prelude::*;

#[callback]
enum Hello {
    World,
}

fn main() {}
