//! Compares the mixed loss, forward and backward, with the plain loss of one target, and with two calls, as in the formula.
//!
//! The outputs have 64 items with 2 and with 1,000 classes. The bench uses one thread: at this size, several threads mostly wait for
//! each other.

use mixup::prelude::*;
use tch::{Device, Kind, Tensor};

mod support;
use support::{Timed, compare};

const ROUNDS: usize = 21;
const ITEMS: i64 = 64;

/// A loss function, an output, and two targets to mix.
struct Case {
    name: &'static str,
    loss: LossFunc,
    output: Tensor,
    targets: [Target; 2],
}

fn cases(classes: i64) -> Vec<Case> {
    let labels = || Target::from(Tensor::randint(classes, [ITEMS], (Kind::Int64, Device::Cpu)));
    let soft = || Target::Dense(Tensor::rand([ITEMS, classes], (Kind::Float, Device::Cpu)).softmax(1, Kind::Float));
    let output = || Tensor::randn([ITEMS, classes], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    let cross_entropy = || LossFunc::new(CrossEntropy::default());
    let smoothed = LossFunc::new(CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() });
    let bce = LossFunc::new(BceWithLogits::default());
    vec![
        Case { name: "cross-entropy", loss: cross_entropy(), output: output(), targets: [labels(), labels()] },
        Case { name: "label smoothing", loss: smoothed, output: output(), targets: [labels(), labels()] },
        Case { name: "soft labels", loss: cross_entropy(), output: output(), targets: [soft(), soft()] },
        Case { name: "binary cross-entropy", loss: bce, output: output(), targets: [soft(), soft()] },
    ]
}

fn step(output: &Tensor, loss: impl Fn() -> Tensor, units: usize) {
    let mut output = output.shallow_clone();
    for _ in 0..units {
        output.zero_grad();
        loss().backward();
    }
}

fn main() {
    tch::set_num_threads(1);
    for (classes, units) in [(2, 500), (1000, 100)] {
        for Case { name, loss, output, targets: [first, second] } in cases(classes) {
            let weight = Tensor::rand([ITEMS], (Kind::Float, Device::Cpu)) / 2 + 0.5;
            let rows = if first.tensor().dim() == 2 { weight.unsqueeze(1) } else { weight.shallow_clone() };
            let plain = || loss.loss(&output, &first, Reduction::Mean).expect("the target fits the output");
            let two_calls = || {
                let losses = |target| loss.loss(&output, target, Reduction::None).expect("the target fits the output");
                let rows = if losses(&first).dim() == 1 { &weight } else { &rows };
                losses(&second).lerp_tensor(&losses(&first), rows).mean(Kind::Float)
            };
            let mixed = Target::Mixed {
                first: Box::new(first.shallow_clone()),
                second: Box::new(second.shallow_clone()),
                weight: weight.shallow_clone(),
            };
            let wrapped = MixUpLoss::new(loss.clone());
            let ours = || wrapped.loss(&output, &mixed, Reduction::Mean).expect("the target fits the output");
            let case = format!("{name}, {ITEMS}x{classes}");
            for (reference, theirs) in [("one target", &plain as &dyn Fn() -> Tensor), ("two calls", &two_calls)] {
                let (mut ours, mut theirs) = (|| step(&output, ours, units), || step(&output, theirs, units));
                let theirs = Timed { run: &mut theirs, units };
                compare("loss", &case, reference, ROUNDS, Timed { run: &mut ours, units }, theirs);
            }
        }
    }
}
