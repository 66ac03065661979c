//! Same seed, same bits, for what `tch` draws from libtorch's generator: the initial weights of its layers, and dropout. A
//! process has one such generator, so this file has one test.

mod support;

use mixup::{model::Vars, prelude::*};
use support::{bits, items};
use tch::nn;

/// `tch`'s own layers, whose weights are drawn from libtorch's generator, with dropout between them.
fn model(vars: &Vars<'_>) -> impl nn::ModuleT + use<> {
    tch::set_num_threads(1);
    let first = nn::linear(vars / "first", 3, 8, nn::LinearConfig::default());
    let second = nn::linear(vars / "second", 8, 2, nn::LinearConfig::default());
    nn::seq_t().add(first).add_fn_t(|x, train| x.relu().dropout(0.5, train)).add(second)
}

fn learner(seed: u64) -> Learner {
    let data = Data::builder(items(20)).valid(items(6)).batch_size(4).shuffle(false).build();
    let builder = Learner::builder(data.expect("there are items"), model).seed(seed).quiet();
    builder.build().expect("nothing is wrong with it")
}

fn trained(learn: &mut Learner) -> (Vec<u32>, u64) {
    let report = learn.fit(2, 0.1).expect("it trains");
    (bits(learn), report.epochs[1].train_loss.to_bits())
}

#[test]
fn layers_and_dropout_of_tch_give_the_same_bits_for_the_same_seed() {
    let (mut one, mut same) = (learner(1), learner(1));
    assert_eq!(bits(&one), bits(&same), "the first weights");
    assert_ne!(bits(&one), bits(&learner(2)), "the first weights of another seed");

    let first = trained(&mut one);
    // Draws from libtorch's generator between two trainings do not change these.
    let _ = tch::Tensor::rand([3], (tch::Kind::Float, tch::Device::Cpu));
    assert_eq!(trained(&mut same), first, "dropout");
    let second = trained(&mut one);
    same.validate().expect("there is validation data");
    same.predictions().expect("there is validation data");
    same.lr_find().expect("it trains");
    assert_eq!(trained(&mut same), second, "the next training, with a look in between");

    // Dropout differs from seed to seed even if the weights are the same.
    let (mut one, mut other) = (learner(1), learner(2));
    tch::no_grad(|| {
        for ((_, from), (_, to)) in one.params().iter().zip(other.params().iter()) {
            to.shallow_clone().copy_(from);
        }
    });
    assert_eq!(bits(&one), bits(&other));
    assert_ne!(trained(&mut one), trained(&mut other), "dropout of another seed");
}
