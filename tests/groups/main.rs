//! Groups of parameters: the partition, the steps of optimizers, learning rates for each group, freezing.
#![allow(clippy::float_cmp, reason = "what must be the same to the bit is compared so")]

#[path = "../formula/mod.rs"]
mod formula;
#[path = "../numbers/mod.rs"]
mod numbers;
#[path = "../support/warnings.rs"]
mod warnings;

mod freezing;
mod parts;
mod rates;
mod steps;

use mixup::{error::BoxError, learner::LearnerBuilder, model::Vars, prelude::*};
use numbers::{f64s, prepared, random};
use tch::{Kind, Tensor};

/// `head.weight · (trunk.weight · x + trunk.bias) + head.bias`, for `x` of three features.
struct Net {
    trunk: (Tensor, Tensor),
    head: (Tensor, Tensor),
}

impl Net {
    fn new(vars: &Vars<'_>) -> Self {
        let part = |name: &str, inputs, seed| {
            let path = vars / name;
            let weight = path.var_copy("weight", &random(&[1, inputs], Kind::Float, seed));
            (weight, path.var_copy("bias", &random(&[1], Kind::Float, seed + 1)))
        };
        Self { trunk: part("trunk", 3, 90), head: part("head", 1, 92) }
    }
}

impl Model for Net {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        let hidden = input.one()?.f_linear(&self.trunk.0, Some(&self.trunk.1))?;
        Ok(hidden.f_linear(&self.head.0, Some(&self.head.1))?)
    }
}

/// Five batches, the last one smaller.
fn batches() -> Vec<(Tensor, Tensor)> {
    let batch = |(seed, n)| (random(&[n, 3], Kind::Double, seed), random(&[n, 1], Kind::Double, seed + 50));
    (0..).zip([6, 6, 6, 6, 2]).map(batch).collect()
}

fn data(kind: Kind) -> Data {
    let batches: Vec<_> =
        batches().into_iter().map(|(x, y)| (x.to_kind(kind), Target::Dense(y.to_kind(kind)))).collect();
    prepared(&batches).expect("whole batches")
}

/// A builder without groups, with [`Net`] and the batches.
fn builder(opt: impl Optimizer) -> LearnerBuilder<Net> {
    Learner::builder(data(Kind::Double), Net::new).loss(Mse).optimizer(opt).quiet()
}

fn in_groups(opt: impl Optimizer) -> LearnerBuilder<Net> {
    let builder = builder(opt).group("trunk", |name, _| name.starts_with("trunk"));
    builder.group("head", |name, _| name.starts_with("head"))
}

/// In double precision.
fn built(builder: LearnerBuilder<impl Model>) -> Learner {
    let mut learn = builder.build().expect("a learner");
    learn.params_mut().var_store_mut().double();
    learn
}

/// The numbers of each parameter.
fn parameters(learn: &Learner) -> Vec<Vec<f64>> {
    learn.params().iter().map(|(_, tensor)| f64s(tensor)).collect()
}
