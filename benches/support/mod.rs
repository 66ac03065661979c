//! Times a case and its reference in turn, and prints the medians of the rounds as one JSON line.

#![allow(dead_code, reason = "each bench uses only a part of this")]

use std::time::Instant;

use serde_json::json;

/// One side to be timed. `run` does its work `units` times; the printed time is that of one unit.
pub struct Timed<'a> {
    pub run: &'a mut dyn FnMut(),
    pub units: usize,
}

/// Times both sides `rounds` times, one after the other, and prints a line. Returns the ratio and the reference's microseconds. A
/// first round warms up and does not count.
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
        // The sides take turns at being first, so that neither always finds the warmer machine.
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

/// The median.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// Rounded to a thousandth, as printed.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
