//! Draws the picture of `docs/scale.md` from lines of JSON: `scaling_picture lines.json scale.svg`.

use std::{env, fs};

use mixup::{plots::Chart, prelude::*};
use serde_json::Value;

fn main() -> Result<(), BoxError> {
    let mut places = env::args().skip(1);
    let (Some(from), Some(to)) = (places.next(), places.next()) else {
        return Err("name the file with the lines and that of the picture".into());
    };
    let mut chart = Chart::new("ranks", "computing (% of a step)").log_x();
    for line in fs::read_to_string(from)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let points = line["points"].as_array().into_iter().flatten();
        let points = points.filter_map(|point| Some((point[0].as_f64()?, point[1].as_f64()?)));
        chart = chart.line(line["line"].as_str().unwrap_or_default(), points);
    }
    Ok(chart.save(to)?)
}
