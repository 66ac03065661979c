//! A network that takes `MixUp`'s triple (items, partners, weights) and mixes at a layer chosen at random.
//!
//! Source: Verma, Lamb, Beckham, Najafi, Mitliagkas, Lopez-Paz, Bengio, "Manifold Mixup: Better Representations by Interpolating
//! Hidden States", arXiv:1806.05236, section 2. Choose a layer k from a set that may contain the input (k = 0), compute `g_k` of both
//! batches, blend them at k, and run the rest of the network once.

use mixup::{error::BoxError, model::Vars, prelude::*};
use tch::{Device, Kind, TchError, Tensor};

/// Linear layers with ReLU between them, for images or rows `[n, …]`.
pub struct Manifold {
    layers: Vec<(Tensor, Tensor)>,
    /// Where it may mix: place k is the input of layer k.
    places: Vec<usize>,
}

impl Manifold {
    /// Layers of these widths, from the input's width to the number of classes. They mix at one of the `places`: k is the input of
    /// layer k, so 0 is the network's input.
    pub fn new(vars: &Vars<'_>, widths: &[i64], places: &[usize]) -> Self {
        let layer = |(at, pair): (usize, &[i64])| {
            let path = vars.path() / at;
            let bound = (6.0 / pair[0] as f64).sqrt(); // Kaiming-uniform for ReLU (He et al. 2015), fan-in
            let mut rng = vars.rng();
            let values: Vec<f32> = (0..pair[0] * pair[1]).map(|_| rng.random_range(-bound..bound) as f32).collect();
            let weight = path.var_copy("weight", &Tensor::from_slice(&values).reshape([pair[1], pair[0]]));
            (weight, path.zeros("bias", &[pair[1]]))
        };
        let layers: Vec<_> = widths.windows(2).enumerate().map(layer).collect();
        let places = places.iter().copied().filter(|place| *place < layers.len()).collect();
        Self { layers, places }
    }

    /// One of the places, by chance. libtorch's generator is seeded before each batch, so the choice is a function of the batch; a generator of
    /// the model's own would depend on what was done before.
    fn choose(&self) -> Result<usize, TchError> {
        let count = self.places.len().max(1) as i64;
        let chosen = Tensor::f_randint(count, [1], (Kind::Int64, Device::Cpu))?.f_int64_value(&[0])?;
        Ok(self.places.get(chosen as usize).copied().unwrap_or(0))
    }

    /// Runs the layers `from..to`.
    fn through(&self, x: &Tensor, from: usize, to: usize) -> Result<Tensor, TchError> {
        let mut x = x.shallow_clone();
        for (at, (weight, bias)) in self.layers.iter().enumerate().take(to).skip(from) {
            x = x.f_linear(weight, Some(bias))?;
            if at + 1 < self.layers.len() {
                x = x.f_relu_()?;
            }
        }
        Ok(x)
    }

    /// Mixes at the input of layer `place`, and returns the output of the last layer.
    pub fn mixed_at(&self, place: usize, first: &Tensor, second: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
        let hidden = |x: &Tensor| self.through(&x.f_flatten(1, -1)?, 0, place);
        let blend = hidden(second)?.f_lerp_tensor(&hidden(first)?, &weight.f_unsqueeze(1)?)?;
        self.through(&blend, place, self.layers.len())
    }
}

impl Model for Manifold {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        match input {
            Input::Stacked { first, second, weight } => Ok(self.mixed_at(self.choose()?, first, second, weight)?),
            // Validation batches, and those that are not mixed because of `prob` or `off_epoch`.
            plain => Ok(self.through(&plain.one()?.f_flatten(1, -1)?, 0, self.layers.len())?),
        }
    }
}
