// The only option of a derived output is the path of `mixup`.

use mixup::prelude::*;
use tch::Tensor;

#[derive(Output)]
#[output(name = "scores")]
struct Scores(Tensor);

fn main() {}
