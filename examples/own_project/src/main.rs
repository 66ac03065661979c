//! Trains a network on the photos of a folder, and saves it for `predict`.
//!
//! `cargo run --release -- photos` trains it from the beginning; `cargo run --release -- photos resnet18.safetensors` begins with the weights
//! of a network that has seen a million photos.

use mixup::{
    prelude::*,
    vision::{Weights, resnet18, vision_learner},
};

fn main() -> Result<(), BoxError> {
    let mut args = std::env::args().skip(1);
    let photos = args.next().ok_or("which folder? It has a folder of photos for each class")?;
    let weights = args.next().map_or(Weights::Random, Weights::from);

    let data = ImageData::from_folder(photos)?
        .split(RandomSplit::new(0.2, 42).stratified())
        .items(Resize::new(128).crop())
        .augment([RandomFlip::horizontal(), RandomResizedCrop::scaled(128, 0.5, 1.0)])
        .normalize(Normalize::IMAGENET)
        .batch_size(16)
        .build()?;
    println!("{}", data.summary());
    data.show_batch("batch.png")?;

    let mut learn = vision_learner(data, resnet18, weights)?.metric(accuracy).mixup().seed(42).build()?;
    learn.fine_tune(3)?;
    learn.show_results("results.png")?;
    learn.save_bundle("pets.safetensors")?;
    println!("wrote batch.png, results.png and pets.safetensors; next: cargo run --release --bin predict -- FOLDER");
    Ok(())
}
