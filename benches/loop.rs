//! The cost of the loop itself per batch: 4,000 prepared batches of one row, a 1→2 linear layer, AdamW. The learner without callbacks,
//! with a recorder, and with callbacks that do nothing is compared with the same loop by hand in `tch`.
//!
//! The cost of one empty hook is the time that such callbacks add to a batch, divided by their number and the number of their hooks. It
//! is printed as a table to standard error.

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

/// A callback that does nothing in the six hooks of a training batch.
struct Nothing;

#[callback]
impl Nothing {
    fn on_batch_begin(_num_batch: usize) {}
    fn on_loss_begin() {}
    fn on_backward_begin(_iteration: usize) {}
    fn on_backward_end() {}
    fn on_step_end() {}
    fn on_batch_end() {}
}

/// A callback that does nothing in one hook of each epoch, and has no hook in a batch.
struct Elsewhere;

#[callback]
impl Elsewhere {
    fn on_epoch_end(_epoch: usize) {}
}

/// A callback that does nothing in six hooks, and asks for values of every kind.
struct Values;

#[callback]
impl Values {
    #[on(batch_begin, loss_begin, backward_begin, backward_end, step_end, batch_end)]
    fn nothing(_last_input: &Input, _num_batch: usize, _device: Device) {}
}

const HOOKS: usize = 6;

fn with<C: Callback>(count: usize, callback: impl Fn() -> C) -> Learner {
    let mut learn = learner();
    for _ in 0..count {
        learn.callback(callback());
    }
    learn
}

fn learner() -> Learner {
    let data = Data::from_batches(batches(), batches().drain(..1).collect()).expect("the batches are valid");
    Learner::builder(data, |vs| nn::linear(vs, 1, 2, nn::LinearConfig::default()))
        .quiet()
        .build()
        .expect("the learner is valid")
}

fn main() {
    let bare = learner();
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

    let mut measured = Vec::new();
    let many = [
        ("1 callback, 6 hooks", 1, with(1, || Nothing)),
        ("20 callbacks, 6 hooks", 20, with(20, || Nothing)),
        ("20 callbacks, none in a batch", 0, with(20, || Elsewhere)),
        ("20 callbacks, 6 hooks with values", 20, with(20, || Values)),
    ];
    let cases = [("bare", 0, bare), ("recorder", 0, with_recorder)].into_iter().chain(many);
    for (case, callbacks, mut learn) in cases {
        let mut ours = || drop(learn.fit(1, 1e-3).expect("it trains"));
        let ours = Timed { run: &mut ours, units: BATCHES };
        let ratio = compare("loop", case, "tch by hand", ROUNDS, ours, Timed { run: &mut by_hand, units: BATCHES });
        measured.push((case, callbacks, ratio));
    }
    // Both ratios have the same reference, so that changes in the machine's speed cancel out.
    let (_, _, bare) = measured[0];
    for (case, callbacks, (ratio, reference_us)) in measured.iter().filter(|(_, callbacks, _)| *callbacks > 0) {
        let nanoseconds = (ratio - bare.0) * reference_us * 1000.0 / (callbacks * HOOKS) as f64;
        eprintln!("{case:<36} {nanoseconds:>7.1} ns per hook and callback");
    }
}
