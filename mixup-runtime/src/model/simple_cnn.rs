//! fastai v1's `simple_cnn`: 3×3 convolutions of stride 2 with ReLU, then an average over all positions: one value per class.
//!
//! Source: fastai v1, `fastai/vision/learner.py` (`simple_cnn`) and `fastai/layers.py` (`conv_layer`): every convolution
//! has padding 1 and a bias, and is followed by a ReLU, the last one too. Weights are Kaiming-normal (He et al. 2015,
//! fan-in, gain √2), biases zero.

use tch::{Tensor, nn};

use super::{Model, Vars};
use crate::{
    batch::{Input, InputError},
    error::BoxError,
    rng::Rng,
};

/// A small convolutional network for images `[n, c, h, w]`, of any height and width.
#[derive(Debug)]
pub struct SimpleCnn {
    convs: Vec<(Tensor, Tensor)>,
    channels: Vec<i64>,
}

/// Builds fastai v1's `simple_cnn`. `channels` begins with the channels of the image (1 or 3) and ends with the number of
/// classes: `&[3, 16, 16, 2]` gives three convolutions. The output has the shape `[n, classes]`.
///
/// The weights are drawn from the learner's generator. If there are fewer than two channels, or one is below 1, the first
/// batch is rejected with a [`SimpleCnnError`].
#[must_use]
pub fn simple_cnn(vars: &Vars<'_>, channels: &[i64]) -> SimpleCnn {
    if !are_layers(channels) {
        return SimpleCnn { convs: Vec::new(), channels: channels.to_vec() };
    }
    let mut rng = vars.rng();
    let convs = channels.windows(2).enumerate().map(|(layer, pair)| {
        let path = vars.path() / layer;
        let shape = [pair[1], pair[0], 3, 3];
        let std = (2.0 / (pair[0] * 9) as f64).sqrt();
        let weight = normal(&shape, std, &mut rng);
        (path.var_copy("weight", &weight), path.var("bias", &[pair[1]], nn::Init::Const(0.0)))
    });
    SimpleCnn { convs: convs.collect(), channels: channels.to_vec() }
}

fn are_layers(channels: &[i64]) -> bool {
    channels.len() >= 2 && channels.iter().all(|&count| count >= 1)
}

/// The channels do not make a network.
#[derive(thiserror::Error, PartialEq, Eq)]
#[error(
    "`simple_cnn` was given the channels {channels:?}: it takes the image's, those of the layers between, and the number \
     of classes, each at least 1, such as [3, 16, 16, 2]"
)]
pub struct SimpleCnnError {
    /// The channels that were given.
    pub channels: Vec<i64>,
}

crate::error::debug_with_sources!(SimpleCnnError);

/// A tensor of normally distributed numbers with mean 0, drawn from the given generator.
fn normal(shape: &[i64], std: f64, rng: &mut Rng) -> Tensor {
    use rand_distr::{Distribution, StandardNormal};
    let count = shape.iter().product::<i64>();
    let values: Vec<f32> = (0..count)
        .map(|_| {
            let value: f64 = StandardNormal.sample(rng);
            (value * std) as f32
        })
        .collect();
    Tensor::from_slice(&values).reshape(shape)
}

impl Model for SimpleCnn {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        if !are_layers(&self.channels) {
            return Err(SimpleCnnError { channels: self.channels.clone() }.into());
        }
        let images = input.one()?;
        let (size, channels) = (images.size(), self.channels[0]); // there are at least two
        if size.len() != 4 || size[1] != channels {
            let wanted = format!("images of the shape [n, {channels}, h, w]");
            return Err(InputError::Shape { wanted, got: size }.into());
        }
        let mut x = images.shallow_clone();
        for (weight, bias) in &self.convs {
            x = x.f_conv2d(weight, Some(bias), 2, 1, 1, 1)?.f_relu_()?;
        }
        Ok(x.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}
