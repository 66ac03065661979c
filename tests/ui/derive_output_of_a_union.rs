// An output that is derived is no union.

use mixup::prelude::*;
use tch::Tensor;

#[derive(Output)]
union Scores {
    one: std::mem::ManuallyDrop<Tensor>,
}

fn main() {}
