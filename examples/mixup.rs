//! The notebook of fastai v1's MixUp page: trains a small network without and with MixUp, and compares the two.
//!
//! `cargo xtask demo` runs this on the bundled digits; `--data PATH` takes a folder, an archive or IDX files, and `--data mnist_sample` downloads
//! fastai's data.

#[path = "mixup/compare.rs"]
mod compare;
#[path = "mixup/network.rs"]
mod network;
#[path = "mixup/save.rs"]
mod save;

use std::{
    error::Error,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, builder::styling};
use mixup::{
    data::{ImageData, UntarError},
    prelude::*,
};
use tch::Device;

use crate::{
    compare::{Comparison, Run},
    network::{Network, Shape},
};

/// Train a small network without and with MixUp, and compare the two
#[derive(Parser, Debug)]
#[command(styles = styling::Styles::plain())]
struct Options {
    /// A folder with train/<class> and valid/<class>, or with <class> alone, a .tgz or .zip of the former, or a folder of IDX files; or one of
    /// `mnist_sample`, `mnist`, `fashion_mnist` and `cifar10`, which are downloaded once [default: the bundled digits]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Resize all images to squares of this many pixels, of which the middle is kept
    #[arg(long, value_name = "PIXELS")]
    size: Option<u32>,
    /// Epochs of each training [default: 8, or 20 for the bundled digits]
    #[arg(long)]
    epochs: Option<usize>,
    /// Training items per batch
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// The learning rate [default: 0.003, or 0.01 for the bundled digits]
    #[arg(long)]
    lr: Option<f64>,
    /// Let the learning rate rise and fall in one cycle, up to --lr, instead of keeping it
    #[arg(long)]
    one_cycle: bool,
    /// The output channels of the convolutions [default: 16,16, or 32,64 for the bundled digits]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(i64).range(1..))]
    channels: Option<Vec<i64>>,
    /// MixUp draws its weights from Beta(alpha, alpha)
    #[arg(long, default_value_t = 0.4)]
    alpha: f64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds to train with, one after the other
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Where to train: cpu, cuda, cuda:1, …
    #[arg(long, default_value = "cpu", value_parser = device)]
    device: Device,
    /// Write epochs.csv, summary.json and curves.svg to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn device(text: &str) -> Result<Device, String> {
    match text.split_once(':') {
        None if text == "cpu" => Ok(Device::Cpu),
        None if text == "cuda" => Ok(Device::Cuda(0)),
        Some(("cuda", index)) => {
            index.parse().map(Device::Cuda).map_err(|_| format!("`{index}` is not the number of a GPU"))
        }
        _ => Err("expected `cpu`, `cuda` or `cuda:N`".to_owned()),
    }
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
    let mut images = match &options.data {
        Some(path) => ImageData::open(place(path)?)?,
        None => ImageData::digits()?,
    };
    if !images.has_valid() {
        images = images.split(RandomSplit::new(0.2, 42).stratified());
    }
    if let Some(size) = options.size {
        images = images.items(Resize::new(size).crop());
    }
    let digits = options.data.is_none();
    let epochs = options.epochs.unwrap_or(if digits { 20 } else { 8 });
    let hidden = options.channels.clone().unwrap_or(if digits { vec![32, 64] } else { vec![16, 16] });
    let lr = options.lr.unwrap_or(if digits { 1e-2 } else { 3e-3 });
    if epochs == 0 {
        return Err("--epochs is 0: at least one epoch is needed for a comparison".into());
    }
    MixUp::new(options.alpha)?;
    save::check(options.out.as_deref())?;
    let name = options.data.as_ref().map_or("digits".to_owned(), |path| path.display().to_string());
    let mut data = images.batch_size(options.batch_size).build().map_err(|error| match error {
        DataError::Sizes { .. } => format!("{error}; here: `--size 64`").into(),
        other => Box::<dyn Error>::from(other),
    })?;
    let shape = Shape::of(&data, &hidden)?;
    println!("{name}: {data}");
    println!("network: {}", shape.describe());

    let mut runs = Vec::new();
    for seed in options.seed..options.seed.saturating_add(options.seeds) {
        for alpha in [None, Some(options.alpha)] {
            let label = alpha.map_or("without MixUp".to_owned(), |alpha| format!("with MixUp, alpha {alpha}"));
            println!("\n{}", heading(&format!("{label}, seed {seed}")));
            let (report, back) = train(data, &shape, alpha, seed, (epochs, lr, options.one_cycle), options.device)?;
            data = back;
            runs.push(Run { seed, mixup: alpha.is_some(), report });
        }
    }
    let comparison = Comparison::of(&runs)?;
    println!("\n{}\n{comparison}", heading("Comparison"));
    if let Some(folder) = &options.out {
        for file in save::all(folder, &name, &runs, &comparison)? {
            println!("wrote {}", file.display());
        }
    }
    println!("\n{}", comparison.json(&name));
    Ok(())
}

/// The folder of a data set that is known by its name, unless there is something at that path.
fn place(path: &Path) -> Result<PathBuf, UntarError> {
    match path.to_str().and_then(Url::named) {
        Some(url) if !path.exists() => untar_data(url),
        _ => Ok(path.to_owned()),
    }
}

/// Trains once; returns the report, and the data for the next training.
fn train(
    data: Data,
    shape: &Shape,
    alpha: Option<f64>,
    seed: u64,
    (epochs, lr, one_cycle): (usize, f64, bool),
    device: Device,
) -> Result<(Report, Data), Box<dyn Error>> {
    let shape = shape.clone();
    let mut builder = Learner::builder(data, move |vs| Network::new(vs, &shape))
        .loss(CrossEntropy::default())
        .metric(accuracy)
        .device(device)
        .seed(seed);
    if let Some(alpha) = alpha {
        builder = builder.callback(MixUp::new(alpha)?);
    }
    let mut learn = builder.build()?;
    let original = learn.loss_func().clone();
    let report = if one_cycle { learn.fit_one_cycle(epochs, lr)? } else { learn.fit(epochs, lr)? };
    let back = if learn.loss_func().is_same(&original) { "the original" } else { "NOT the original" };
    println!("loss function after the training: {} ({back})", learn.loss_func().name());
    Ok((report, learn.into_data()))
}

/// Bold on a terminal; plain elsewhere, or if `NO_COLOR` is set.
fn heading(text: &str) -> String {
    let plain = !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain { text.to_owned() } else { format!("\x1b[1m{text}\x1b[0m") }
}
