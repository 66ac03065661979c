// A loss function with two arguments is wrapped in `per_item` or `of_batch`; an activation returns an output.

use mixup::prelude::*;
use tch::Tensor;

fn squared(output: &Tensor, target: &Target) -> Tensor {
    (output - target.tensor()).square()
}

fn main() {
    let data = || ImageData::digits().expect("they are embedded").build().expect("they are images");
    let model = |vs: &mixup::model::Vars<'_>| simple_cnn(vs, &[1, 8, 10]);
    let _ = Learner::builder(data(), model).loss(squared);
    let _ = Learner::builder(data(), model).loss(per_item(squared).activation(|output| output.size()));
}
