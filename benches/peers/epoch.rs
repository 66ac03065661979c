//! The notebook's epoch, as the bench `epoch` has it, compared with fastai v2's and Lightning's loop and with PyTorch by hand.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    Failure, Peers,
    notebook::learner,
    support::{median, rounded},
    timed,
};

const SIDES: [&str; 5] = ["mixup", "mixup, with MixUp", "PyTorch by hand", "fastai v2", "Lightning"];
const ROUNDS: usize = 5;

/// The times of all sides, round by round.
pub struct Epochs([Vec<f64>; SIDES.len()]);

/// Times all sides in turn. A first round warms up and does not count.
pub fn compare(peers: &mut Peers) -> Result<Epochs, Failure> {
    let mut ours = [learner(false)?, learner(true)?];
    let mut times = [const { Vec::new() }; SIDES.len()];
    for round in 0..=ROUNDS {
        for turn in 0..SIDES.len() {
            let side = (turn + round) % SIDES.len();
            let us = match ours.get_mut(side) {
                Some(learn) => timed(1, || Ok(learn.fit(1, 3e-3).map(drop)?))?,
                None => peers.ask(&json!({ "epoch": SIDES[side] }))?["us"].as_f64().ok_or("no time")?,
            };
            if round > 0 {
                times[side].push(us);
            }
        }
    }
    Ok(Epochs(times))
}

impl Epochs {
    /// Our time divided by the other's: the median over the rounds.
    fn ratio(&self, side: usize) -> f64 {
        let [ours, ..] = &self.0;
        median(ours.iter().zip(&self.0[side]).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// A JSON line for each side that ours is compared with.
    pub fn lines(&self) -> Vec<Value> {
        let line = |side: usize| {
            json!({
                "bench": "peers-epoch",
                "case": "without MixUp",
                "ours_us": rounded(median(self.0[0].clone())),
                "reference": SIDES[side],
                "reference_us": rounded(median(self.0[side].clone())),
                "ratio": rounded(self.ratio(side)),
            })
        };
        (1..SIDES.len()).map(line).collect()
    }

    /// The table of the page.
    pub fn table(&self) -> String {
        let mut text = "\n| the notebook's epoch | seconds | mixup's time divided by it |\n|---|---|---|\n".to_owned();
        for (side, name) in SIDES.iter().enumerate() {
            let ratio = if side == 0 { String::new() } else { format!("{:.2}", self.ratio(side)) };
            let _ = writeln!(text, "| {name} | {:.2} | {ratio} |", median(self.0[side].clone()) / 1e6);
        }
        text
    }
}
