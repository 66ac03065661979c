//! What the loop itself costs: one row, a 1→2 linear layer, AdamW, 4,000 prepared batches, per batch, against the same loop
//! by hand in `tch`.

use mixup::prelude::*;
use tch::{
    Device, Kind, Tensor,
    nn::{self, Module, OptimizerConfig},
};

mod support;
use support::{Timed, compare};

const BATCHES: usize = 4_000;
const ROUNDS: usize = 11;

fn batches() -> Vec<Batch> {
    let batch = |index: usize| {
        let x = Tensor::from_slice(&[index as f32 / BATCHES as f32]).reshape([1, 1]);
        Batch { input: x.into(), target: Tensor::from_slice(&[(index % 2) as i64]).into() }
    };
    (0..BATCHES).map(batch).collect()
}

fn learner() -> Learner {
    let data = Data::from_batches(batches(), batches().drain(..1).collect()).expect("the batches are whole");
    Learner::builder(data, |vs| nn::linear(vs, 1, 2, nn::LinearConfig::default()))
        .quiet()
        .build()
        .expect("nothing is wrong with it")
}

fn main() {
    let mut bare = learner();
    let mut with_recorder = learner();
    with_recorder.callback(Recorder::default());

    let vs = nn::VarStore::new(Device::Cpu);
    let model = nn::linear(vs.root(), 1, 2, nn::LinearConfig::default());
    let mut opt = nn::adamw(0.9, 0.99, 0.01).build(&vs, 1e-3).expect("AdamW");
    let data: Vec<_> = batches()
        .into_iter()
        .map(|batch| (batch.input.one().expect("one").shallow_clone(), batch.target.tensor().shallow_clone()))
        .collect();
    let mut by_hand = || {
        let mut sum = Tensor::zeros([], (Kind::Float, Device::Cpu));
        for (x, y) in &data {
            let loss = model.forward(x).cross_entropy_for_logits(y);
            opt.zero_grad();
            loss.backward();
            opt.step();
            sum = loss;
        }
        assert!(sum.double_value(&[]).is_finite());
    };

    for (case, learn) in [("bare", &mut bare), ("recorder", &mut with_recorder)] {
        let mut ours = || drop(learn.fit(1, 1e-3).expect("it trains"));
        let ours = Timed { run: &mut ours, units: BATCHES };
        compare("loop", case, "tch by hand", ROUNDS, ours, Timed { run: &mut by_hand, units: BATCHES });
    }
}
