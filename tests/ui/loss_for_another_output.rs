// A loss function takes the output that the model returns. So does a metric.

use mixup::{batch::EachTensor, error::BoxError, prelude::*};
use tch::{TchError, Tensor};

struct VaeOutput {
    recon: Tensor,
    mu: Tensor,
}

impl Output for VaeOutput {
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
        Ok(Self { recon: each(&self.recon)?, mu: each(&self.mu)? })
    }
}

struct Vae;

impl Model for Vae {
    type Output = VaeOutput;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<VaeOutput, BoxError> {
        let image = input.one()?;
        Ok(VaeOutput { recon: image.shallow_clone(), mu: image.shallow_clone() })
    }
}

fn main() {
    let data = ImageData::digits().expect("they are embedded").build().expect("they are images");
    let _ = Learner::builder(data, |_| Vae).loss(Mse).metric(mae);
}
