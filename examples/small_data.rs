//! Shows what mixing does to a model that has few images to learn from. For each of many seeds it trains the same network on the same
//! images from the same initial weights: without mixing, with MixUp, with CutMix, and with one of the two chosen at random.
//!
//! `cargo run --release --example small_data -- --out small_data.md` takes the bundled digits; `--data PATH` takes a folder, an
//! archive or IDX files, and may be given several times.

#[path = "mixup/network.rs"]
mod network;
#[path = "small_data/stats.rs"]
mod stats;
#[path = "small_data/table.rs"]
mod table;

use std::{error::Error, fs, path::Path, path::PathBuf, process::ExitCode, time::Instant};

use clap::{Parser, builder::styling};
use mixup::{data::Loader, prelude::*};
use network::{Network, Shape};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use table::{ARMS, Compared};
use tch::Tensor;

/// Train on few images, without and with mixing, over many seeds, and compare seed by seed
#[derive(Parser, Debug)]
#[command(styles = styling::Styles::plain())]
struct Options {
    /// `digits` for the bundled digits, a folder with train/<class> and valid/<class>, a .tgz or .zip of such a folder, or a
    /// folder of IDX files; may be given several times
    #[arg(long, value_name = "PATH", default_value = "digits")]
    data: Vec<PathBuf>,
    /// How many training images to use; each seed chooses different ones
    #[arg(long, default_value_t = 300)]
    images: usize,
    /// Epochs of each training
    #[arg(long, default_value_t = 60)]
    epochs: usize,
    /// The learning rate [default: 0.003, or 0.01 for the bundled digits, as in the demo]
    #[arg(long)]
    lr: Option<f64>,
    /// Training items per batch
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// How many seeds to train with, starting at 0
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..))]
    seeds: u64,
    /// Write the tables to this file, as Markdown
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.epochs == 0 || options.images == 0 {
        return Err("--epochs and --images must be at least 1".into());
    }
    tch::set_num_threads(1); // with such small batches, a second thread costs more than it saves
    let mut tables = Vec::new();
    for path in &options.data {
        let table = table::text(&compare(path, options)?);
        println!("{table}");
        tables.push(table);
    }
    if let Some(file) = &options.out {
        let settings = format!(
            "{} training images, {} epochs in batches of {}, AdamW, seeds 0 to {}",
            options.images,
            options.epochs,
            options.batch_size,
            options.seeds - 1
        );
        fs::write(file, table::page(&settings, &tables)).map_err(|error| format!("{}: {error}", file.display()))?;
        println!("wrote {}", file.display());
    }
    Ok(())
}

/// Compares the arms on one data set, over all seeds.
fn compare(path: &Path, options: &Options) -> Result<Compared, Box<dyn Error>> {
    let embedded = path == Path::new("digits");
    let images = if embedded { ImageData::digits()? } else { ImageData::open(path)? };
    let data = images.build()?;
    let lr = options.lr.unwrap_or(if embedded { 1e-2 } else { 3e-3 });
    let shape = Shape::of(&data, if embedded { &[32, 64] } else { &[16, 16] })?;
    // The file's name up to its first dot: `mnist_sample` for `…/mnist_sample.tgz`.
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let name = name.split('.').find(|part| !part.is_empty()).unwrap_or("data").to_owned();
    let (x, y) = whole(data.train())?;
    let (valid_x, valid_y) =
        whole(data.valid().ok_or("the data has no validation part, and the comparison needs one")?)?;
    let all = y.size().first().copied().unwrap_or(0);
    if usize::try_from(all)? < options.images {
        return Err(format!("--images is {}, but there are only {all} training images", options.images).into());
    }
    println!("{name}: {data}\nnetwork: {}", shape.describe());

    let mut accuracies = ARMS.map(|_| Vec::new());
    for seed in 0..options.seeds {
        let began = Instant::now();
        let mut order: Vec<i64> = (0..all).collect();
        order.shuffle(&mut Rng::seed_from_u64(seed));
        let few = Tensor::f_from_slice(&order[..options.images])?;
        for (arm, accuracies) in accuracies.iter_mut().enumerate() {
            let few = TensorDataset::new(x.f_index_select(0, &few)?, y.f_index_select(0, &few)?)?;
            let valid = TensorDataset::new(valid_x.shallow_clone(), valid_y.shallow_clone())?;
            let data = Data::builder(few).valid(valid).batch_size(options.batch_size).valid_batch_size(1024).build()?;
            accuracies.push(train(data, &shape, arm, seed, (options.epochs, lr))?);
        }
        let last: Vec<_> =
            ARMS.iter().zip(&accuracies).map(|(arm, of)| format!("{arm} {:.4}", of[of.len() - 1])).collect();
        let (done, seconds) = (seed + 1, began.elapsed().as_secs_f64());
        println!("seed {seed} ({done} of {}): {}; {seconds:.1} s", options.seeds, last.join(", "));
    }
    Ok(Compared { name, data: data.to_string(), network: shape.describe(), lr, accuracies })
}

/// All images and labels as two tensors.
fn whole(loader: &Loader) -> Result<(Tensor, Tensor), Box<dyn Error>> {
    let batch = loader.all()?;
    Ok((batch.input.one()?.shallow_clone(), batch.target.tensor().shallow_clone()))
}

/// Trains once and returns the accuracy after the last epoch.
fn train(data: Data, shape: &Shape, arm: usize, seed: u64, (epochs, lr): (usize, f64)) -> Result<f64, Box<dyn Error>> {
    let shape = shape.clone();
    let builder =
        Learner::builder(data, move |vs| Network::new(vs, &shape)).metric(accuracy).callback(ValidateAfter(epochs));
    let builder = match arm {
        0 => builder,
        1 => builder.callback(MixUp::default()),
        2 => builder.callback(CutMix::default()),
        _ => builder.callback(MixUpOrCutMix::default()),
    };
    let report = builder.seed(seed).quiet().build()?.fit(epochs, lr)?;
    report.metric("accuracy").ok_or_else(|| "there was no validation".into())
}

/// Skips the validation of all epochs but the last: only the final accuracy is needed.
struct ValidateAfter(usize);

#[callback]
impl ValidateAfter {
    fn on_validate_begin(&self, epoch: usize) -> Option<SkipValidation> {
        (epoch + 1 < self.0).then_some(SkipValidation)
    }
}
