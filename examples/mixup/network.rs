//! The demo's network: for two classes fastai's `simple_cnn`, as in the notebook; for more classes a linear layer follows it.
//!
//! `simple_cnn` ends with a ReLU. If a class's scores are negative for every image at the beginning, the class has no gradient and is
//! never learnt. This is rare with two classes, but with ten classes some seeds lose several.

use std::error::Error;

use mixup::{
    error::BoxError,
    model::{SimpleCnn, Vars},
    prelude::*,
};
use tch::{Tensor, nn};

/// The widths of the network, from the image's channels to the classes.
#[derive(Clone, Debug)]
pub struct Shape {
    channels: Vec<i64>,
    classes: i64,
}

impl Shape {
    pub fn of(data: &Data, hidden: &[i64]) -> Result<Self, Box<dyn Error>> {
        let image = data.train().item_shape()?;
        let channels = image.first().into_iter().chain(hidden).copied().collect();
        Ok(Self { channels, classes: i64::try_from(data.classes().len())? })
    }

    /// `simple_cnn [3, 16, 16, 2]`, or `simple_cnn [1, 32, 64], then linear 64 → 10`.
    pub fn describe(&self) -> String {
        let Self { channels, classes } = self;
        match channels.last() {
            Some(features) if *classes > 2 => format!("simple_cnn {channels:?}, then linear {features} → {classes}"),
            _ => format!("simple_cnn {:?}", self.whole()),
        }
    }

    fn whole(&self) -> Vec<i64> {
        self.channels.iter().copied().chain([self.classes]).collect()
    }
}

/// The network.
pub struct Network {
    body: SimpleCnn,
    head: Option<nn::Linear>,
}

impl Network {
    pub fn new(vs: &Vars<'_>, shape: &Shape) -> Self {
        match shape.channels.last() {
            Some(&features) if shape.classes > 2 => Self {
                body: simple_cnn(vs, &shape.channels),
                head: Some(nn::linear(vs / "head", features, shape.classes, nn::LinearConfig::default())),
            },
            _ => Self { body: simple_cnn(vs, &shape.whole()), head: None },
        }
    }
}

impl Model for Network {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        let features = self.body.forward_batch(input, train)?;
        match &self.head {
            Some(head) => Ok(features.f_linear(&head.ws, head.bs.as_ref())?),
            None => Ok(features),
        }
    }
}
