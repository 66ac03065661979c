//! A case against its reference, taken in turn; what is printed is the median of the rounds, as one JSON line.

#![allow(dead_code, reason = "each bench takes of it what it needs")]

use std::time::Instant;

use serde_json::json;

/// One thing to be timed: it does its work `units` times, and what is printed is the time of one.
pub struct Timed<'a> {
    pub run: &'a mut dyn FnMut(),
    pub units: usize,
}

/// Times both sides `rounds` times, one after the other, and prints a line; gives the ratio and the reference's
/// microseconds. The first round warms up and does not count.
pub fn compare(
    bench: &str,
    case: &str,
    reference: &str,
    rounds: usize,
    mut ours: Timed<'_>,
    mut theirs: Timed<'_>,
) -> (f64, f64) {
    let (mut our_times, mut their_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        // Who comes first changes from round to round, so that neither always finds the warmer machine.
        let (ours_us, theirs_us) = if round % 2 == 0 {
            let ours_us = time(&mut ours);
            (ours_us, time(&mut theirs))
        } else {
            let theirs_us = time(&mut theirs);
            (time(&mut ours), theirs_us)
        };
        if round > 0 {
            our_times.push(ours_us);
            their_times.push(theirs_us);
            ratios.push(ours_us / theirs_us);
        }
    }
    let (reference_us, ratio) = (median(their_times), median(ratios));
    let line = json!({
        "bench": bench,
        "case": case,
        "ours_us": rounded(median(our_times)),
        "reference": reference,
        "reference_us": rounded(reference_us),
        "ratio": rounded(ratio),
    });
    println!("{line}");
    (ratio, reference_us)
}

fn time(timed: &mut Timed<'_>) -> f64 {
    let began = Instant::now();
    (timed.run)();
    began.elapsed().as_secs_f64() * 1e6 / timed.units as f64
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// To a thousandth: what a line shows.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
