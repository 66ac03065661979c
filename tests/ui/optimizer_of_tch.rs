// An optimizer is one of `mixup::optim`, not one of `tch::nn`.

use mixup::prelude::*;
use tch::nn;

fn learner(data: Data) -> Result<Learner, BoxError> {
    let builder = Learner::builder(data, |vs| simple_cnn(vs, &[1, 16, 10]));
    Ok(builder.optimizer(nn::Sgd::default()).build()?)
}

fn main() {}
