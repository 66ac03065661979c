//! Loading photos, compared with PyTorch's `DataLoader` and torchvision: decoded, cut at random, resized to 224, mirrored, normalized, and made into
//! batches of 64, by two threads here and two processes there.

use std::{fmt::Write as _, path::Path};

use mixup::prelude::*;
use rand::SeedableRng as _;
use serde_json::{Value, json};

use super::{
    Failure, Peers,
    photos::{self, PHOTOS},
    support::{median, rounded},
    timed,
};

const WORKERS: usize = 2;
const ROUNDS: usize = 5;

/// The times per photo, round by round.
pub struct Loading {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

/// Times both sides in turn. A first round warms up and does not count.
pub fn compare(peers: &mut Peers, scratch: &Path) -> Result<Loading, Failure> {
    let folder = scratch.join("photos");
    photos::write(&folder, PHOTOS)?;
    let data = ImageData::from_folder(&folder)?.memory(0).workers(WORKERS).batch_size(64);
    let data = data.augment([RandomResizedCrop::new(224), RandomFlip::horizontal()]).normalize(Normalize::IMAGENET);
    let data = data.build()?;
    let mut figures = Loading { ours: Vec::new(), theirs: Vec::new() };
    for round in 0..=ROUNDS {
        let ours = timed(1, || epoch(&data, round))? / PHOTOS as f64;
        let answer = peers.ask(&json!({ "photos": folder, "workers": WORKERS }))?;
        let theirs = answer["us"].as_f64().ok_or_else(|| format!("PyTorch's DataLoader answered {answer}"))?;
        if round > 0 {
            figures.ours.push(ours);
            figures.theirs.push(theirs);
        }
    }
    Ok(figures)
}

/// All batches of an epoch.
fn epoch(data: &Data, epoch: usize) -> Result<(), Failure> {
    let (loader, rngs) = (data.train(), ItemRngs::new(0, epoch));
    let order = loader.order(&mut Rng::seed_from_u64(epoch as u64))?;
    for k in 0..loader.batches_in(&order) {
        loader.batch(&order, k, &rngs)?.input.one()?;
    }
    Ok(())
}

impl Loading {
    pub fn line(&self) -> Value {
        let ratio = median(self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect());
        json!({
            "bench": "loader",
            "case": format!("{PHOTOS} JPEGs of 500×375 to 224, {WORKERS} workers"),
            "ours_us": rounded(median(self.ours.clone())),
            "reference": "PyTorch's DataLoader with torchvision",
            "reference_us": rounded(median(self.theirs.clone())),
            "ratio": rounded(ratio),
        })
    }

    /// The table of the page.
    pub fn table(&self) -> String {
        let per_second = |times: &[f64]| format!("{:.0}", 1e6 / median(times.to_vec()));
        let mut text = format!("\n| loading photos, {WORKERS} workers | images per second |\n|---|---|\n");
        let _ = writeln!(text, "| mixup | {} |", per_second(&self.ours));
        let _ = writeln!(text, "| PyTorch's `DataLoader` with torchvision | {} |", per_second(&self.theirs));
        text
    }
}
