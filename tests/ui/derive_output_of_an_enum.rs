// An output that is derived is a struct.

use mixup::prelude::*;
use tch::Tensor;

#[derive(Output)]
enum Scores {
    One(Tensor),
    Two(Tensor, Tensor),
}

fn main() {}
