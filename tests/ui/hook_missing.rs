// A callback has at least one hook.

use mixup::prelude::*;

struct Hello;

#[callback]
impl Hello {
    fn helper(&self) {}
}

struct World;

#[callback]
impl World {
    fn batch_end(&self) {}
}

fn main() {}
