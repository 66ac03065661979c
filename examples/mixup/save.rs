//! The files that the demo writes with `--out`: the epochs as CSV, the summary as JSON, the curves as a picture.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use mixup::training::EpochReport;
use plotters::prelude::*;

use crate::compare::{Comparison, Run};

/// Checks that the folder is writable, before the training rather than after it.
pub fn check(folder: Option<&Path>) -> Result<(), String> {
    match folder {
        None => Ok(()),
        Some(folder) => fs::create_dir_all(folder)
            .and_then(|()| tempfile::tempfile_in(folder))
            .map(drop)
            .map_err(|error| format!("--out {}: {error}", folder.display())),
    }
}

/// Writes all files and returns their paths.
pub fn all(folder: &Path, data: &str, runs: &[Run], comparison: &Comparison) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let (csv, json, svg) = (folder.join("epochs.csv"), folder.join("summary.json"), folder.join("curves.svg"));
    epochs(&csv, runs)?;
    fs::write(&json, format!("{:#}\n", comparison.json(data)))?;
    curves(&svg, runs)?;
    Ok(vec![csv, json, svg])
}

fn epochs(file: &Path, runs: &[Run]) -> Result<(), Box<dyn Error>> {
    let mut csv = csv::Writer::from_path(file)?;
    csv.write_record(["mixup", "seed", "epoch", "train_loss", "valid_loss", "accuracy", "seconds"])?;
    for Run { seed, mixup, report } in runs {
        for EpochReport { epoch, train_loss, valid_loss, metrics, time, .. } in &report.epochs {
            let numbers = [*train_loss, valid_loss.unwrap_or(f64::NAN), metrics[0], time.as_secs_f64()];
            let head = [mixup.to_string(), seed.to_string(), epoch.to_string()];
            csv.write_record(head.into_iter().chain(numbers.map(|number| number.to_string())))?;
        }
    }
    Ok(csv.flush()?)
}

/// Draws training loss and accuracy over the epochs, one line per training.
fn curves(file: &Path, runs: &[Run]) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(file, (900, 340)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(450);
    panel(&left, "training loss (smoothed)", runs, |epoch| epoch.train_loss)?;
    panel(&right, "accuracy on the validation data", runs, |epoch| epoch.metrics[0])?;
    Ok(area.present()?)
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    runs: &[Run],
    value: impl Fn(&EpochReport) -> f64,
) -> Result<(), Box<dyn Error>> {
    let all = || runs.iter().flat_map(|run| &run.report.epochs);
    let finite = || all().map(&value).filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let margin = ((high - low) * 0.05).max(1e-6);
    let last = all().map(|epoch| epoch.epoch).max().unwrap_or(0).max(1);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(34)
        .y_label_area_size(48)
        .build_cartesian_2d(0..last, (low - margin)..(high + margin))?;
    chart.configure_mesh().light_line_style(TRANSPARENT).x_desc("epoch").x_labels(8).y_labels(6).draw()?;
    for (mixup, name, color) in
        [(false, "without MixUp", RGBColor(90, 90, 90)), (true, "with MixUp", RGBColor(214, 84, 0))]
    {
        for (index, run) in runs.iter().filter(|run| run.mixup == mixup).enumerate() {
            let points = run.report.epochs.iter().map(|epoch| (epoch.epoch, value(epoch)));
            let line = chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
            if index == 0 {
                line.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
            }
        }
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(TRANSPARENT).draw()?;
    Ok(())
}
