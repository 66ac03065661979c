// `#[callback]` stands on an `impl` block.

use mixup::prelude::*;

#[callback]
mod callbacks {}

fn main() {}
