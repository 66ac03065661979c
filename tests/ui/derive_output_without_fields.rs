// An output consists of tensors.

use mixup::prelude::*;

#[derive(Output)]
struct Scores;

fn main() {}
