//! A generative adversarial network: how do I train two networks against each other? A port of `tch`'s program of the same name, a relativistic
//! average least-squares GAN (Jolicoeur-Martineau, arXiv:1807.00734) of convolutions as in DCGAN (Radford et al., arXiv:1511.06434).
//!
//! A training step of its own has a loss for each network, and each network has an optimizer. A callback shows what the generator makes of the same
//! noise in each epoch.
//!
//! `cargo run --release --example gan` learns to write digits; `cargo run --release --example gan -- FOLDER` takes square images of your own
//! (`ImageData::from_folder`), 8, 16, 32 or 64 pixels wide.

use std::path::{Path, PathBuf};

use mixup::{model::Vars, prelude::*};
use tch::{Device, Kind, Tensor, nn, vision::image};

const LATENT: i64 = 64;

/// The two networks. Each doubling of the size is a layer of both.
#[derive(Debug)]
struct Gan {
    generator: nn::SequentialT,
    discriminator: nn::SequentialT,
}

impl Gan {
    fn new(vs: &Vars<'_>, channels: i64, size: i64) -> Self {
        let doublings = i64::from((size / 4).ilog2());
        let (up, down) = (vs / "generator", vs / "discriminator");
        let (mut generator, mut discriminator) = (nn::seq_t(), nn::seq_t());
        let first = nn::ConvTransposeConfig { bias: false, ..Default::default() };
        let transposed = nn::ConvTransposeConfig { stride: 2, padding: 1, ..first };
        let halving = nn::ConvConfig { stride: 2, padding: 1, bias: false, ..Default::default() };
        let width = |layer: i64| 64 << layer;
        for layer in 0..doublings {
            let (above, config) = if layer == 0 { (LATENT, first) } else { (width(doublings - layer), transposed) };
            let out = width(doublings - 1 - layer);
            generator = generator
                .add(nn::conv_transpose2d(&up / "layer" / layer, above, out, 4, config))
                .add(nn::batch_norm2d(&up / "norm" / layer, out, nn::BatchNormConfig::default()))
                .add_fn(Tensor::relu);
            let below = if layer == 0 { channels } else { width(layer - 1) };
            discriminator = discriminator
                .add(nn::conv2d(&down / "layer" / layer, below, width(layer), 4, halving))
                .add_fn(|x| x.maximum(&(x * 0.2)));
        }
        generator =
            generator.add(nn::conv_transpose2d(up / "last", width(0), channels, 4, transposed)).add_fn(Tensor::tanh);
        discriminator =
            discriminator.add(nn::conv2d(down / "last", width(doublings - 1), 1, 4, nn::ConvConfig::default()));
        Self { generator, discriminator }
    }

    /// Noise for so many images, from libtorch's generator.
    fn noise(images: i64, device: Device) -> Tensor {
        Tensor::rand([images, LATENT, 1, 1], (Kind::Float, device)) * 2.0 - 1.0
    }
}

impl nn::ModuleT for Gan {
    fn forward_t(&self, images: &Tensor, train: bool) -> Tensor {
        images.apply_t(&self.discriminator, train)
    }
}

struct GanStep;

impl GanStep {
    /// How far the scores of `up` are from lying 1 above the mean of `down`, and the other way round.
    fn apart(up: &Tensor, down: &Tensor) -> Tensor {
        let squared = |x: Tensor| x.square().mean(Kind::Float);
        squared(up - down.mean(Kind::Float) - 1.0) + squared(down - up.mean(Kind::Float) + 1.0)
    }
}

impl TrainStep for GanStep {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        let real = now.input().one()? * 2.0 - 1.0;
        for (player, wins) in [("discriminator", true), ("generator", false)] {
            let gan: &Gan = now.model()?;
            let fake = Gan::noise(real.size()[0], now.device()).apply_t(&gan.generator, true);
            let (real, fake) = (real.apply_t(gan, true), fake.apply_t(gan, true));
            let loss = if wins { Self::apart(&real, &fake) } else { Self::apart(&fake, &real) };
            now.optimize(player, loss)?;
        }
        Ok(())
    }

    fn uses(&self) -> &'static [Uses] {
        &[Uses::Input]
    }
}

/// Writes what the generator makes of the same noise at the end of each epoch.
struct Samples {
    noise: Tensor,
    folder: PathBuf,
}

#[callback]
impl Samples {
    fn on_epoch_end(&self, model: &Gan, epoch: usize) -> Result<(), BoxError> {
        let made = tch::no_grad(|| (self.noise.apply_t(&model.generator, false) + 1.0) * 127.5).to_kind(Kind::Uint8);
        let scale = 64 / made.size()[3];
        let made = made.repeat_interleave_self_int(scale, 2, None).repeat_interleave_self_int(scale, 3, None);
        let rows: Vec<_> = made.chunk(8, 0).iter().map(|row| Tensor::cat(&row.unbind(0), 2)).collect();
        Ok(image::save(&Tensor::cat(&rows, 1), self.folder.join(format!("gan-{epoch}.png")))?)
    }
}

/// Trains on images, and returns how far the mean generated image was from the mean real one before and after.
///
/// # Errors
/// If the images are not squares of 8, 16, 32 or 64 pixels, or if the training fails.
pub fn train(data: Data, epochs: usize, folder: &Path) -> Result<(f64, f64), BoxError> {
    let images = data.train().sample()?.input.one()? * 2.0 - 1.0;
    let &[_, channels, 8 | 16 | 32 | 64, size] = &images.size()[..] else {
        return Err("8, 16, 32 or 64 pixels".into());
    };
    let adam = || Adam::default().betas(0.5, 0.999);
    let mut learn = Learner::builder(data.without_valid(), move |vs| Gan::new(vs, channels, size))
        .step(GanStep)
        .optimizer_for("generator", adam())
        .optimizer_for("discriminator", adam())
        .callback(Samples { noise: Gan::noise(64, Device::Cpu), folder: folder.to_owned() })
        .build()?;
    let distance = |learn: &Learner| {
        let gan = learn.model_as::<Gan>().ok_or("it is one")?;
        let made = tch::no_grad(|| Gan::noise(256, Device::Cpu).apply_t(&gan.generator, false));
        let mean = |images: &Tensor| images.mean_dim(0, false, Kind::Float);
        Ok::<_, BoxError>(f64::try_from((mean(&made) - mean(&images)).abs().mean(Kind::Float))?)
    };
    let before = distance(&learn)?;
    learn.fit(epochs, Lr::each([2e-3, 2e-4]))?; // the discriminator learns more slowly, or it wins
    Ok((before, distance(&learn)?))
}

fn main() -> Result<(), BoxError> {
    let images = match std::env::args().nth(1) {
        Some(folder) => ImageData::from_folder(folder)?,
        None => ImageData::digits()?,
    };
    let (before, after) = train(images.batch_size(32).build()?, 20, Path::new("."))?;
    println!("distance of the mean images: {before:.3}, then {after:.3}; the images are in gan-0.png, gan-1.png, …");
    Ok(())
}
