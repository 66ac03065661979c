//! Your own data and model: how do I fit numbers (regression), with MixUp, from tensors in memory?
//!
//! `cargo run --example own_data`

use mixup::prelude::*;
use tch::{Device, Kind, Tensor, nn};

/// Points of a noisy sine: inputs `[n, 1]`, targets `[n, 1]`.
fn points(n: i64) -> Result<TensorDataset, DataError> {
    let x = Tensor::linspace(-3.0, 3.0, n, (Kind::Float, Device::Cpu)).reshape([n, 1]);
    let noise = (&x * 37.0).sin() * 0.05;
    TensorDataset::new(x.shallow_clone(), x.sin() + noise)
}

fn main() -> Result<(), BoxError> {
    let data = Data::builder(points(2_000)?).valid(points(300)?).batch_size(50).build()?;
    let mut learn = Learner::builder(data, |vs| {
        nn::seq()
            .add(nn::linear(vs / "hidden", 1, 32, nn::LinearConfig::default()))
            .add_fn(Tensor::tanh)
            .add(nn::linear(vs / "out", 32, 1, nn::LinearConfig::default()))
    })
    .loss(Mse)
    .metric(mae)
    .callback(MixUp::new(0.2)?.stack_y(false)) // mixes the targets too, as it mixes the inputs
    .seed(42)
    .build()?;
    println!("{}\n", learn.summary());
    learn.fit(5, 1e-2)?;
    println!("\nafter the training: {}", learn.validate()?);
    let losses = learn.predictions()?.losses.ok_or("the validation data has targets")?;
    println!("{} predictions, the worst is off by {:.3}", losses.size()[0], losses.max().sqrt().double_value(&[]));
    Ok(())
}
