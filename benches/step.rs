//! The cost of a whole training step of networks of several sizes: a learner's epoch of prepared batches, compared with the same loop by hand in
//! `tch`. Both begin with the same weights. Besides the times, the page faults of a step are printed to standard error.

use std::error::Error;

#[path = "support/nets.rs"]
mod nets;
mod support;
use nets::{ByHand, LARGE, LR, NETS, Opt};
use support::{Timed, compare};

const ROUNDS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    for opt in [Opt::AdamW, Opt::Sgd] {
        for net in NETS.into_iter().chain([LARGE]) {
            let mut learn = net.learner(opt, tch::Device::Cpu)?;
            let mut by_hand = ByHand::new(&net, opt, &learn)?;
            let (mut our_faults, mut their_faults) = (0, 0);
            let mut ours = || {
                let before = page_faults();
                drop(learn.fit(1, LR).expect("it trains"));
                our_faults = page_faults() - before;
            };
            let mut theirs = || {
                let before = page_faults();
                by_hand.run();
                their_faults = page_faults() - before;
            };
            let ours = Timed { run: &mut ours, units: net.steps };
            let theirs = Timed { run: &mut theirs, units: net.steps };
            compare(opt.bench(), net.name, "tch by hand", ROUNDS, ours, theirs);
            let [ours, theirs] = [our_faults, their_faults].map(|faults| faults / net.steps as u64);
            eprintln!("{:<24} {ours:>8} page faults a step, by hand {theirs:>8}", net.name);
        }
    }
    Ok(())
}

/// The minor page faults of this process so far; 0 where the system does not tell.
fn page_faults() -> u64 {
    let facts = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the program's name, which is in parentheses: state, 6 numbers, then the minor faults.
    facts.rsplit(')').next().and_then(|fields| fields.split_whitespace().nth(7)?.parse().ok()).unwrap_or(0)
}
