//! Shows what MixUp and CutMix do to images: a PNG with pairs of images, their blends, and the target of each.
//!
//! `cargo run --release --example mixup_picture -- --out mixup.png` draws the bundled digits; `--data PATH` takes a folder, an
//! archive or IDX files.

#[path = "mixup_picture/sheet.rs"]
mod sheet;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Parser, builder::styling};
use mixup::{
    callbacks::mixing::{Cuts, Mode, Pairing},
    prelude::*,
};
use rand::SeedableRng as _;
use sheet::{Cell, Sheet};
use tch::{Kind, Tensor};

/// Write a PNG with pairs of images, their blends by MixUp and CutMix, and the targets of the blends
#[derive(Parser, Debug)]
#[command(styles = styling::Styles::plain())]
struct Options {
    /// A folder with train/<class>, a .tgz or .zip of such a folder, or a folder of IDX files [default: the bundled digits]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// How many pairs to draw, one per row
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    rows: u16,
    /// The weights are drawn from Beta(alpha, alpha); the first image gets the larger share
    #[arg(long, default_value_t = 2.0)]
    alpha: f64,
    /// The seed for the choice of images and for the weights
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the picture to this file
    #[arg(long, value_name = "FILE", default_value = "mixup.png")]
    out: PathBuf,
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
    let pairing = Pairing::new(options.alpha)?.heavier(true);
    let images = match &options.data {
        Some(path) => ImageData::open(path)?,
        None => ImageData::digits()?,
    };
    let rows = usize::from(options.rows);
    let mut rng = Rng::seed_from_u64(options.seed);
    let data = images.batch_size(2 * rows).shuffle(true).build()?;
    let (images, labels) = pairs(&data, rows, &mut rng)?;

    let drawn = weights_of_pairs(&pairing, rows, &mut rng)?;
    let blended = mixed(&images, &labels, |input, target| MixUp::default().mix(input, target, &drawn))?;
    let size = [2, 3].map(|axis| usize::try_from(images.size()[axis]).unwrap_or(0));
    let cuts = Cuts::random(&drawn, Mode::Elem, size, &mut rng)?;
    let cut = mixed(&images, &labels, |input, target| CutMix::default().mix(input, target, &cuts))?;

    let name = |item: usize| {
        let label = usize::try_from(labels.int64_value(&[item as i64])).unwrap_or(0);
        data.classes().get(label).cloned().unwrap_or_else(|| label.to_string())
    };
    let share = |of: &Mixed, row: usize| {
        // The shares of the target, rounded so that they add up to 100%.
        let own = (100.0 * of.weights[row]).round();
        vec![format!("{own}% {}", name(row)), format!("{}% {}", 100.0 - own, name(rows + row))]
    };
    let mut sheet = Sheet::new(&["image", "partner", "MixUp", "CutMix"], rows, size);
    for row in 0..rows {
        let cells = [
            Cell { image: image(&images, row)?, caption: vec![name(row)] },
            Cell { image: image(&images, rows + row)?, caption: vec![name(rows + row)] },
            Cell { image: image(&blended.images, row)?, caption: share(&blended, row) },
            Cell { image: image(&cut.images, row)?, caption: share(&cut, row) },
        ];
        for (column, cell) in cells.iter().enumerate() {
            sheet.put(row, column, cell);
        }
    }
    sheet.save(&options.out)?;
    println!("{data}\nwrote {}", options.out.display());
    Ok(())
}

/// Draws weights; items i and rows + i are partners of each other.
fn weights_of_pairs(pairing: &Pairing, rows: usize, rng: &mut Rng) -> Result<Draws, Box<dyn Error>> {
    let drawn = pairing.draw(2 * rows, 0, rng).ok_or("every batch is mixed")?;
    Ok(Draws::with_weights(drawn.weights().to_vec(), (rows..2 * rows).chain(0..rows).collect())?)
}

/// Images `[2·rows, c, h, w]` and their classes. If the data has several classes, each image in the second half has a different class
/// from its partner in the first half.
fn pairs(data: &Data, rows: usize, rng: &mut Rng) -> Result<(Tensor, Tensor), Box<dyn Error>> {
    let loader = data.train();
    let order = loader.order(rng)?;
    let several = data.classes().len() > 1;
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for k in 0..loader.batches_in(&order) {
        let batch = loader.batch(&order, k, &ItemRngs::new(0, 0))?;
        for item in 0..batch.target.items() as i64 {
            let label = batch.target.tensor().f_get(item)?;
            let first: Option<&Tensor> = labels.len().checked_sub(rows).and_then(|row| labels.get(row));
            if first.is_none_or(|first| !several || first.int64_value(&[]) != label.int64_value(&[])) {
                images.push(batch.input.one()?.f_get(item)?);
                labels.push(label);
            }
            if labels.len() == 2 * rows {
                return Ok((Tensor::f_stack(&images, 0)?, Tensor::f_stack(&labels, 0)?));
            }
        }
    }
    Err(format!("there are too few training images for {rows} pairs").into())
}

/// A mixed batch: its images, and the weight of each image in its blend.
struct Mixed {
    images: Tensor,
    weights: Vec<f64>,
}

/// Mixes the batch with a mixing callback.
fn mixed<E: Error + 'static>(
    images: &Tensor,
    labels: &Tensor,
    mix: impl FnOnce(&mut Input, &mut Target) -> Result<(), E>,
) -> Result<Mixed, Box<dyn Error>> {
    let mut input = Input::from(images.shallow_clone());
    let mut target = Target::from(labels.shallow_clone());
    mix(&mut input, &mut target)?;
    let Target::Mixed { weight, .. } = target else { return Err("the target was not mixed".into()) };
    Ok(Mixed { images: input.one()?.shallow_clone(), weights: Vec::try_from(weight.f_to_kind(Kind::Double)?)? })
}

/// One image of the batch, as RGB with values from 0 to 255.
fn image(images: &Tensor, item: usize) -> Result<image::RgbImage, Box<dyn Error>> {
    let image =
        images.f_get(item as i64)?.f_mul_scalar(255.0)?.f_round()?.f_clamp(0.0, 255.0)?.f_to_kind(Kind::Uint8)?;
    let image = if image.size()[0] == 3 { image } else { image.f_narrow(0, 0, 1)?.f_expand([3, -1, -1], false)? };
    let (height, width) = (image.size()[1], image.size()[2]);
    let bytes = Vec::<u8>::try_from(image.f_permute([1, 2, 0])?.f_contiguous()?.f_flatten(0, -1)?)?;
    let made = image::RgbImage::from_raw(u32::try_from(width)?, u32::try_from(height)?, bytes);
    made.ok_or_else(|| "an image's number of pixels does not match its size".into())
}
