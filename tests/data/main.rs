//! The sources of batches, as users see them: samplers, single items, data without a length.

mod ahead;
mod files;
mod items;
mod parts;
mod samplers;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod whole;

use mixup::{error::BoxError, model::Vars, prelude::*};
use support::Log;
use tch::{Device, Kind, Tensor};

/// `count` items: the index of each is its input and its target.
fn numbered(count: i64) -> TensorDataset {
    let numbers = || Tensor::arange(count, (Kind::Float, Device::Cpu)).unsqueeze(1);
    TensorDataset::new(numbers(), numbers()).expect("as many")
}

/// A model of one number.
struct Scale(Tensor);

impl Model for Scale {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _: bool) -> Result<Tensor, BoxError> {
        Ok(input.one()?.f_mul(&self.0)?)
    }
}

fn on(data: Data) -> mixup::learner::LearnerBuilder<Scale> {
    let model = |vars: &Vars<'_>| Scale(vars.path().var_copy("scale", &Tensor::from_slice(&[0.5_f32])));
    Learner::builder(data, model).loss(Mse).optimizer(Sgd::default()).seed(7).quiet()
}

/// Records the numbers in each training batch.
struct Seen(Log);

#[callback]
impl Seen {
    #[on(batch_begin, train)]
    fn write(&self, last_target: &Target) {
        self.0.add(format!("{:?}", numbers(last_target.tensor())));
    }
}

/// The numbers in a tensor, as integers.
fn numbers(tensor: &Tensor) -> Vec<i64> {
    Vec::try_from(tensor.round().to_kind(Kind::Int64).flatten(0, -1)).expect("numbers")
}

/// The numbers in the batches of a training, batch by batch.
fn seen(learn: &mut Learner, epochs: usize) -> Vec<Vec<i64>> {
    let log = Log::default();
    learn.callback(Seen(log.clone()));
    let trained = learn.fit(epochs, 1e-9).map(drop);
    learn.remove::<Seen>().expect("it is there");
    trained.expect("it trains");
    let parse = |line: String| {
        let inner = line.trim_matches(['[', ']']).to_owned();
        inner.split(", ").map(|number| number.parse().expect("a number")).collect()
    };
    log.take().into_iter().map(parse).collect()
}
