//! The results, as Markdown.

use std::fmt::Write as _;

use crate::stats::{Over, Paired};

/// The names of the arms; the others are compared with the first.
pub const ARMS: [&str; 4] = ["without mixing", "MixUp", "CutMix", "MixUp or CutMix"];

/// The results on one data set: the accuracies of each arm, seed by seed.
pub struct Compared {
    pub name: String,
    pub data: String,
    pub network: String,
    pub lr: f64,
    pub accuracies: [Vec<f64>; 4],
}

/// The table of one data set, followed by a sentence for each comparison.
pub fn text(compared: &Compared) -> String {
    let Compared { name, data, network, lr, accuracies } = compared;
    let mut text = format!("## {name}\n\n{data}; {network}; learning rate {lr}.\n\n");
    text += "| | mean accuracy | standard deviation | standard error | difference | its standard error | t | p |\n";
    text += "|---|---|---|---|---|---|---|---|\n";
    let mut verdicts = Vec::new();
    for (arm, values) in ARMS.iter().zip(accuracies) {
        let Over { mean, deviation, error } = Over::of(values);
        let _ = write!(text, "| {arm} | {mean:.4} | {deviation:.4} | {error:.4} |");
        match Paired::of(values, &accuracies[0]) {
            Ok(paired) if *arm != ARMS[0] && paired.p.is_finite() => {
                let Paired { difference, t, p } = &paired;
                let p = if *p < 1e-4 { "< 0.0001".to_owned() } else { format!("{p:.4}") };
                let _ = writeln!(text, " {:+.4} | {:.4} | {t:.2} | {p} |", difference.mean, difference.error);
                verdicts.push(format!("- {arm}: {}.", verdict(&paired)));
            }
            _ => text += " | | | |\n",
        }
    }
    text + "\n" + &verdicts.join("\n") + "\n"
}

/// What a difference shows, and no more: it counts as real if p is below 5%.
fn verdict(Paired { difference, p, .. }: &Paired) -> String {
    let points = 100.0 * difference.mean;
    match *p {
        p if p >= 0.05 => format!("may be chance ({points:+.2} points)"),
        _ if points > 0.0 => format!("better by {points:.2} points"),
        _ => format!("worse by {:.2} points", -points),
    }
}

/// The whole page.
pub fn page(settings: &str, tables: &[String]) -> String {
    format!(
        "# Few images, without and with mixing\n\n\
         Written by `cargo run --release --example small_data`; do not edit by hand. {settings}.\n\n\
         Each seed chooses its own training images and initial weights, and all four trainings of a seed share them. The \
         accuracy is measured on all validation images after the last epoch. MixUp and CutMix have their defaults: a weight \
         per item from Beta(0.4, 0.4), and one box per batch with λ from Beta(1, 1). Differences are to the training without \
         mixing. The test is Student's paired t-test, two-sided, with no correction for several comparisons.\n\n{}",
        tables.join("\n")
    )
}
