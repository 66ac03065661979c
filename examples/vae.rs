//! A variational autoencoder: what if the model returns more than one tensor? A port of `tch`'s program of the same name, with its numbers.
//!
//! The model returns a `VaeOutput`: the images that it has put together again, and the distribution of their codes. The loss function takes that
//! type; one that takes a tensor would not compile. The images are their own targets: a callback puts them there. After each epoch another
//! one draws codes and asks for the model as its own type (`model: &Vae`), to turn them into new images.
//!
//! `cargo run --release --example vae -- FOLDER OUT` takes the folder with MNIST's four IDX files and writes `s_1.png`, `s_2.png`, … to the folder
//! `OUT`. Without arguments it learns the bundled digits in a few seconds, and writes to the folder for temporary files.

use std::path::PathBuf;

use mixup::prelude::*;
use tch::{Device, Kind, Tensor, nn, vision};

/// The length of a code.
const CODE: i64 = 20;

#[derive(Output)]
struct VaeOutput {
    /// The images, `[n, pixels]`, from 0 to 1.
    images: Tensor,
    /// The means of the codes, `[n, CODE]`.
    mean: Tensor,
    /// The logarithms of their variances, `[n, CODE]`.
    log_variance: Tensor,
}

struct Vae {
    encode: nn::Linear,
    mean: nn::Linear,
    log_variance: nn::Linear,
    decode: nn::Sequential,
}

impl Vae {
    fn new(vs: &nn::Path<'_>, pixels: i64) -> Self {
        let linear = |name: &str, from, to| nn::linear(vs / name, from, to, nn::LinearConfig::default());
        let widen = nn::seq().add(linear("widen", CODE, 400)).add_fn(Tensor::relu);
        Self {
            encode: linear("encode", pixels, 400),
            mean: linear("mean", 400, CODE),
            log_variance: linear("log_variance", 400, CODE),
            decode: widen.add(linear("decode", 400, pixels)).add_fn(Tensor::sigmoid),
        }
    }
}

impl Model for Vae {
    type Output = VaeOutput;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<VaeOutput, BoxError> {
        let hidden = input.one()?.flatten(1, -1).apply(&self.encode).relu();
        let (mean, log_variance) = (hidden.apply(&self.mean), hidden.apply(&self.log_variance));
        let code = &mean + mean.randn_like() * (&log_variance * 0.5).exp();
        Ok(VaeOutput { images: code.apply(&self.decode), mean, log_variance })
    }
}

/// What is lost of each image, and how far the distribution of its code is from the normal one: Kingma and Welling, arXiv:1312.6114, equation 10
/// and appendix B.
fn loss(VaeOutput { images, mean, log_variance }: &VaeOutput, target: &Target) -> Tensor {
    let lost = images.binary_cross_entropy::<Tensor>(target.tensor(), None, tch::Reduction::None);
    let far: Tensor = -0.5 * (1.0 + log_variance - mean.square() - log_variance.exp());
    lost.sum_dim_intlist(1, false, Kind::Float) + far.sum_dim_intlist(1, false, Kind::Float)
}

#[callback(on_batch_begin)]
fn learn_the_input(last_input: &Input, last_target: &mut Target) -> Result<(), BoxError> {
    *last_target = last_input.one()?.flatten(1, -1).into();
    Ok(())
}

/// Learns images of `side`×`side` pixels. After each epoch it writes 64 new ones to the folder `out`, eight in a row.
///
/// # Errors
/// If the training fails, or an image can't be written.
pub fn train(data: Data, side: i64, out: PathBuf) -> Result<Report, BoxError> {
    let mut learn = Learner::builder(data, move |vs| Vae::new(vs, side * side))
        .loss(per_item(loss))
        .optimizer(Adam::default().betas(0.9, 0.999))
        .callback(learn_the_input)
        .callback(hook!(on_epoch_end, move |epoch: usize, model: &Vae, device: Device| {
            let codes = Tensor::randn([64, CODE], (Kind::Float, device));
            let images = tch::no_grad(|| codes.apply(&model.decode) * 255.0).view([8, 8, side, side]);
            let rows = images.permute([0, 2, 1, 3]).reshape([1, 8 * side, 8 * side]);
            vision::image::save(&rows, out.join(format!("s_{}.png", epoch + 1)))
        }))
        .device(mixup::default_device())
        .build()?;
    Ok(learn.fit(20, 1e-3)?)
}

fn main() -> Result<(), BoxError> {
    let mut args = std::env::args().skip(1);
    let (folder, out) = (args.next(), args.next().map_or_else(std::env::temp_dir, PathBuf::from));
    println!("the images are in {}", out.display());
    match folder {
        Some(folder) => train(ImageData::from_idx(folder)?.batch_size(128).drop_last(true).build()?, 28, out)?,
        None => train(ImageData::digits()?.batch_size(32).build()?, 8, out)?,
    };
    Ok(())
}
