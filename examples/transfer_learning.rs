//! Transfer learning: how do I use what a network has learnt elsewhere, when I have few images of my own? A port of `tch`'s program of the
//! same name.
//!
//! The program of `tch` gets a ResNet-18 that was trained on `ImageNet` from a file. Here a small network first learns the digits 0 to 6 and is
//! saved. Its trunk is then loaded into a network for the digits 7 to 9, of which there are only 100 images to learn from. The new head is
//! trained first, while the trunk is frozen, and then everything, with a smaller learning rate for the trunk.
//!
//! `cargo run --release --example transfer_learning`

#[path = "transfer_learning/digits.rs"]
mod digits;

use std::path::Path;

use digits::digits;
use mixup::{model::Vars, prelude::*};
use tch::nn;

/// Convolutions, the trunk, and a linear layer, the head, which has its own name.
fn network(vs: &Vars<'_>, head: &str, classes: i64) -> nn::Sequential {
    let trunk = vs / "trunk";
    let padded = nn::ConvConfig { padding: 1, ..Default::default() };
    nn::seq()
        .add(nn::conv2d(&trunk / 0, 1, 16, 3, padded))
        .add_fn(tch::Tensor::relu)
        .add(nn::conv2d(&trunk / 1, 16, 32, 3, padded))
        .add_fn(|x| x.relu().max_pool2d_default(2).flatten(1, -1))
        .add(nn::linear(vs / head, 32 * 4 * 4, classes, nn::LinearConfig::default()))
}

/// Trains on the digits 0 to 6 and saves the parameters.
fn pretrain(file: &Path) -> Result<(), BoxError> {
    let mut learn = Learner::builder(digits(0..7, 1_000)?, |vs| network(vs, "low", 7)).metric(accuracy).build()?;
    learn.fit(5, 3e-3)?;
    Ok(learn.save(file)?)
}

/// Returns the accuracy after training the head, and after training everything.
///
/// # Errors
/// If a training fails, or a file can't be written or read.
pub fn transfer() -> Result<(f64, f64), BoxError> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("pretrained.safetensors");
    pretrain(&file)?;

    let mut learn = Learner::builder(digits(7..10, 100)?, |vs| network(vs, "high", 3))
        .metric(accuracy)
        .group("trunk", |name, _| name.starts_with("trunk"))
        .group("head", |name, _| name.starts_with("high"))
        .no_decay(|_, tensor| tensor.dim() < 2)
        .build()?;
    // The head keeps its first values.
    let loaded = learn.load_matching(&file, |name| name.starts_with("trunk").then(|| name.to_owned()))?;
    println!("\n{loaded}\n{}\n", learn.summary());

    learn.freeze("trunk")?;
    let head = learn.fit(20, 1e-3)?.metric("accuracy");
    learn.unfreeze();
    let all = learn.fit(10, Lr::spread(3e-4, 3e-3))?.metric("accuracy");
    Ok(head.zip(all).ok_or("there is validation data")?)
}

fn main() -> Result<(), BoxError> {
    let (head, all) = transfer()?;
    println!("\naccuracy with the head trained: {head:.3}, with everything trained: {all:.3}");
    Ok(())
}
