//! What came out, as Markdown.

use std::fmt::Write as _;

use crate::stats::{Over, Paired};

/// The ways to train, by name; the first is what the others are compared with.
pub const ARMS: [&str; 4] = ["without mixing", "MixUp", "CutMix", "MixUp or CutMix"];

/// One data set: the accuracies of each arm, seed by seed.
pub struct Compared {
    pub name: String,
    pub data: String,
    pub network: String,
    pub lr: f64,
    pub accuracies: [Vec<f64>; 4],
}

/// The table of one data set, and a sentence for each comparison.
pub fn text(compared: &Compared) -> String {
    let Compared { name, data, network, lr, accuracies } = compared;
    let mut text = format!("## {name}\n\n{data}; {network}; learning rate {lr}.\n\n");
    text +=
        "| | mean accuracy | standard deviation | standard error | against without | its standard error | t | p |\n";
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

/// What may be said of a difference, and no more: below 5% it is taken for one.
fn verdict(Paired { difference, p, .. }: &Paired) -> String {
    let points = 100.0 * difference.mean;
    match *p {
        p if p >= 0.05 => format!("no more than chance can do ({points:+.2} points)"),
        _ if points > 0.0 => format!("better, by {points:.2} points"),
        _ => format!("worse, by {:.2} points", -points),
    }
}

/// The whole page.
pub fn page(settings: &str, tables: &[String]) -> String {
    format!(
        "# Few images, without and with mixing\n\n\
         Written by `cargo run --release --example small_data`; do not edit by hand. {settings}.\n\n\
         Each seed chooses its own training images and first weights, and all four trainings of a seed share them. The \
         accuracy is that of all validation images after the last epoch. MixUp and CutMix have their defaults: weights for \
         each item from Beta(0.4, 0.4), and one box for each batch with λ from Beta(1, 1). The test is Student's paired \
         t-test, two-sided, each comparison for itself.\n\n{}",
        tables.join("\n")
    )
}
