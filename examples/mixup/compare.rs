//! Compares two arms over the same seeds: means, standard deviations, and the paired difference.

use std::{error::Error, fmt};

use mixup::prelude::*;
use serde_json::{Value, json};

/// One training of one arm.
pub struct Run {
    pub seed: u64,
    pub mixup: bool,
    pub report: Report,
}

/// A quantity over the seeds.
#[derive(Clone, Copy, Debug)]
pub struct Over {
    pub mean: f64,
    /// The sample's standard deviation; `None` for one seed.
    pub deviation: Option<f64>,
}

impl Over {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()) }
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.deviation {
            Some(deviation) => write!(f, "{:.4} ± {deviation:.4}", self.mean),
            None => write!(f, "{:.4}", self.mean),
        }
    }
}

/// The results of an arm's last epoch, over the seeds.
pub struct Arm {
    train_loss: Over,
    valid_loss: Over,
    accuracy: Over,
    lowest: f64,
    highest: f64,
    s_per_epoch: f64,
}

impl Arm {
    fn of(runs: &[&Run]) -> Result<Self, Box<dyn Error>> {
        let last: Vec<_> = runs.iter().filter_map(|run| run.report.last()).collect();
        let accuracies: Vec<_> = last.iter().map(|epoch| epoch.metrics[0]).collect();
        let valid: Vec<_> = last.iter().filter_map(|epoch| epoch.valid_loss).collect();
        if valid.len() != runs.len() || valid.is_empty() {
            return Err(
                "the data has no validation part (`valid`, or `t10k` files), and the comparison needs one".into()
            );
        }
        let times: Vec<_> =
            runs.iter().flat_map(|run| &run.report.epochs).map(|epoch| epoch.time.as_secs_f64()).collect();
        Ok(Self {
            train_loss: Over::of(&last.iter().map(|epoch| epoch.train_loss).collect::<Vec<_>>()),
            valid_loss: Over::of(&valid),
            accuracy: Over::of(&accuracies),
            lowest: accuracies.iter().copied().fold(f64::INFINITY, f64::min),
            highest: accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            s_per_epoch: Over::of(&times).mean,
        })
    }

    fn json(&self) -> Value {
        json!({
            "train_loss": self.train_loss.mean,
            "valid_loss": self.valid_loss.mean,
            "accuracy": self.accuracy.mean,
            "s_per_epoch": self.s_per_epoch,
        })
    }
}

/// The arms without and with MixUp.
pub struct Comparison {
    seeds: usize,
    without: Arm,
    with: Arm,
    /// The accuracy with MixUp minus the accuracy without, seed by seed.
    gain: Over,
}

impl Comparison {
    pub fn of(runs: &[Run]) -> Result<Self, Box<dyn Error>> {
        let arm = |mixup: bool| runs.iter().filter(|run| run.mixup == mixup).collect::<Vec<_>>();
        let (without, with) = (arm(false), arm(true));
        let accuracy = |run: &Run| run.report.metric("accuracy").unwrap_or(f64::NAN);
        let gains: Vec<_> = without.iter().zip(&with).map(|(plain, mixed)| accuracy(mixed) - accuracy(plain)).collect();
        Ok(Self { seeds: gains.len(), without: Arm::of(&without)?, with: Arm::of(&with)?, gain: Over::of(&gains) })
    }

    /// The last line of the demo: means over the seeds.
    pub fn json(&self, data: &str) -> Value {
        json!({ "data": data, "seeds": self.seeds, "without": self.without.json(), "with": self.with.json() })
    }

    /// What the difference shows, and no more.
    fn verdict(&self) -> String {
        let mean = self.gain.mean;
        let Some(deviation) = self.gain.deviation else {
            return format!("accuracy {mean:+.4}: one seed does not show which is better; try --seeds 5");
        };
        let error = deviation / (self.seeds as f64).sqrt();
        let verdict = if mean.abs() <= 2.0 * error {
            "may be chance: within two standard errors"
        } else if mean > 0.0 {
            "better by more than two standard errors"
        } else {
            "worse by more than two standard errors"
        };
        format!("accuracy {mean:+.4}, standard error {error:.4}, paired over {} seeds: {verdict}", self.seeds)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<14}  {:<17}  {:<17}  {:<17}  s/epoch", "", "train_loss", "valid_loss", "accuracy")?;
        for (name, arm) in [("without MixUp", &self.without), ("with MixUp", &self.with)] {
            let [train, valid, accuracy] = [arm.train_loss, arm.valid_loss, arm.accuracy].map(|over| over.to_string());
            writeln!(f, "{name:<14}  {train:<17}  {valid:<17}  {accuracy:<17}  {:.2}", arm.s_per_epoch)?;
        }
        if self.seeds > 1 {
            let range = |arm: &Arm| format!("{:.4} to {:.4}", arm.lowest, arm.highest);
            writeln!(f, "accuracies: {} without, {} with", range(&self.without), range(&self.with))?;
        }
        writeln!(
            f,
            "training loss: {:.1} times as high with MixUp, because no model can fit the blended targets exactly",
            self.with.train_loss.mean / self.without.train_loss.mean
        )?;
        write!(f, "with MixUp compared with without: {}", self.verdict())
    }
}
