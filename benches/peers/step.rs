//! A whole training step, compared with PyTorch's: by hand, and by hand with `fused=True`.
//!
//! All sides train the same network on the same batch from the same first weights, which PyTorch reads from a file, and take turns.

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};
use tch::{Device, Tensor};

use super::{
    Failure, Peers, ROUNDS,
    nets::{ByHand, LR, NETS, Net, Opt},
    on_device::{self, finished},
    support::{median, rounded},
    timed,
};

const SIDES: [&str; 4] = ["mixup", "tch by hand", "PyTorch by hand", "PyTorch, fused=True"];

/// The times of all sides for one network and optimizer.
pub struct Steps {
    opt: Opt,
    name: &'static str,
    times: [Vec<f64>; SIDES.len()],
}

/// Times all networks with both optimizers.
pub fn compare_all(peers: &mut Peers, scratch: &Path) -> Result<Vec<Steps>, Failure> {
    let nets = [Opt::AdamW, Opt::Sgd].into_iter().flat_map(|opt| NETS.map(|net| (opt, net)));
    nets.map(|(opt, net)| compare(opt, &net, Device::Cpu, peers, scratch)).collect()
}

/// Times all sides in turn, round after round, on this device.
pub fn compare(opt: Opt, net: &Net, device: Device, peers: &mut Peers, scratch: &Path) -> Result<Steps, Failure> {
    let mut learn = net.learner(opt, device)?;
    let mut by_hand = ByHand::new(net, opt, &learn)?;
    let mut first: Vec<(String, Tensor)> = learn.params().var_store().variables().into_iter().collect();
    let (x, y) = net.batch(Device::Cpu);
    for (_, tensor) in &mut first {
        *tensor = tensor.to_device(Device::Cpu);
    }
    first.extend([("batch.x".to_owned(), x), ("batch.y".to_owned(), y)]);
    let weights = scratch.join("first.safetensors");
    Tensor::write_safetensors(&first, &weights)?;
    let mut times = [const { Vec::new() }; SIDES.len()];
    for round in 0..=ROUNDS {
        for turn in 0..SIDES.len() {
            let side = (turn + round) % SIDES.len();
            let us = match side {
                0 => {
                    let epoch = || {
                        learn.fit(1, LR)?;
                        finished(device);
                        Ok(())
                    };
                    timed(1, epoch)? / net.steps as f64
                }
                1 => {
                    let round = || {
                        by_hand.run();
                        finished(device);
                        Ok(())
                    };
                    timed(1, round)? / net.steps as f64
                }
                _ => peers.ask(&json!({
                    "net": net.name,
                    "opt": opt.bench(),
                    "fused": side == 3,
                    "lr": LR,
                    "first": weights,
                    "device": on_device::name(device),
                    "units": net.steps,
                }))?["us"]
                    .as_f64()
                    .ok_or("no time")?,
            };
            if round > 0 {
                times[side].push(us);
            }
        }
    }
    Ok(Steps { opt, name: net.name, times })
}

impl Steps {
    /// A JSON line for each side that ours is compared with.
    pub fn lines(&self) -> Vec<Value> {
        let line = |side: usize| {
            json!({
                "bench": format!("peers-{}", self.opt.bench()),
                "case": self.name,
                "ours_us": rounded(self.median(0)),
                "reference": SIDES[side],
                "reference_us": rounded(self.median(side)),
                "ratio": rounded(self.ratio(side)),
            })
        };
        (1..SIDES.len()).map(line).collect()
    }

    fn median(&self, side: usize) -> f64 {
        median(self.times[side].clone())
    }

    /// Our time divided by the other's: the median over the rounds.
    fn ratio(&self, side: usize) -> f64 {
        median(self.times[0].iter().zip(&self.times[side]).map(|(ours, theirs)| ours / theirs).collect())
    }
}

/// The tables for the page: one for each optimizer.
pub fn tables(all: &[Steps]) -> String {
    let mut text = String::new();
    for (opt, name) in [(Opt::AdamW, "AdamW"), (Opt::Sgd, "SGD, momentum 0.9")] {
        let _ = write!(text, "\n| a step with {name} | {} |\n|---|", SIDES.join(" | "));
        let _ = writeln!(text, "{}", "---|".repeat(SIDES.len()));
        for steps in all.iter().filter(|steps| steps.opt == opt) {
            let _ = write!(text, "| {} | {:.0} µs |", steps.name, steps.median(0));
            for side in 1..SIDES.len() {
                let _ = write!(text, " {:.0} µs ({:.2}) |", steps.median(side), steps.ratio(side));
            }
            text.push('\n');
        }
    }
    text
}
