// Each field of a derived output is an output itself.

use mixup::prelude::*;
use tch::Tensor;

#[derive(Output)]
struct Scores {
    scores: Tensor,
    temperature: f64,
}

fn main() {}
