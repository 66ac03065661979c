//! What a checkpoint costs: ResNet-18 with AdamW on pictures of 3×28×28 in batches of 64, as many as the epoch of the notebook has. A training
//! that writes two checkpoints is compared with the same training without, and half of the difference is printed as a share of an epoch.

use std::{error::Error, time::Instant};

use mixup::prelude::*;
use serde_json::json;
use tch::{Device, Kind, Tensor, vision::resnet::resnet18};

mod support;
use support::{median, rounded};

const ROUNDS: usize = 7;

/// The batches of one round.
const BATCHES: usize = 16;

/// The batches of an epoch: 12,396 pictures in batches of 64.
const EPOCH: usize = 194;

const BATCH_SIZE: i64 = 64;

fn resnet(checkpoints: Option<Checkpoints>) -> Result<Learner, Box<dyn Error>> {
    tch::manual_seed(0);
    let batch = || Batch {
        input: Tensor::randn([BATCH_SIZE, 3, 28, 28], (Kind::Float, Device::Cpu)).into(),
        target: Tensor::randint(2, [BATCH_SIZE], (Kind::Int64, Device::Cpu)).into(),
    };
    let data = Data::from_batches((0..BATCHES).map(|_| batch()).collect(), vec![])?;
    let builder = Learner::builder(data, |vars| resnet18(vars.path(), 2)).quiet();
    Ok(match checkpoints {
        Some(checkpoints) => builder.checkpoints(checkpoints),
        None => builder,
    }
    .build()?)
}

/// One checkpoint is written in the middle of a round, so that the batches after it are timed too, and one at its end.
fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?; // on a disk, and not in memory
    let often = Checkpoints::in_dir(folder.path()).every_batches(BATCHES / 2).every_epochs(usize::MAX);
    let (mut with, mut without) = (resnet(Some(often))?, resnet(None)?);
    let (mut all, mut plain) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let time = |learn: &mut Learner| {
            let began = Instant::now();
            learn.fit(1, 1e-4).map(|_| began.elapsed().as_secs_f64() * 1e3)
        };
        let (ours, theirs) = if round % 2 == 0 {
            let ours = time(&mut with)?;
            (ours, time(&mut without)?)
        } else {
            let theirs = time(&mut without)?;
            (time(&mut with)?, theirs)
        };
        if round > 0 {
            all.push(ours - theirs);
            plain.push(theirs);
        }
    }
    let files: Vec<_> = std::fs::read_dir(folder.path())?.collect::<Result<_, _>>()?;
    let size = files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).max().unwrap_or(0);
    let written = 2.0; // in the middle, and at the end
    let checkpoint_ms = median(all) / written;
    let epoch_ms = median(plain) / BATCHES as f64 * EPOCH as f64;
    let line = json!({
        "bench": "checkpoint",
        "case": "resnet18 28x28",
        "checkpoint_ms": rounded(checkpoint_ms),
        "mb": size / 1_000_000,
        "epoch_ms": rounded(epoch_ms),
        "share": rounded(checkpoint_ms / epoch_ms),
    });
    println!("{line}");
    Ok(())
}
