// `#[callback]` belongs on an `impl` block.

use mixup::prelude::*;

#[callback]
mod callbacks {}

fn main() {}
