//! Loading photos: 2,000 JPEGs of 500×375 are decoded, cut at random, resized to 224, mirrored, normalized and made into batches of 64. Two threads
//! that gather ahead are compared with none; `cargo xtask bench --peers` compares them with PyTorch's `DataLoader` and torchvision.

use mixup::prelude::*;
use rand::SeedableRng as _;

#[path = "support/photos.rs"]
mod photos;
mod support;
use support::{Timed, compare};

const ROUNDS: usize = 5;

fn data(folder: &std::path::Path, workers: usize) -> Result<Data, Box<dyn std::error::Error>> {
    let data = ImageData::from_folder(folder)?.memory(0).workers(workers).batch_size(64);
    let data = data.augment([RandomResizedCrop::new(224), RandomFlip::horizontal()]).normalize(Normalize::IMAGENET);
    Ok(data.build()?)
}

/// All batches of an epoch.
fn epoch(data: &Data) {
    let loader = data.train();
    let order = loader.order(&mut Rng::seed_from_u64(0)).expect("an order");
    let rngs = ItemRngs::new(0, 0);
    for k in 0..loader.batches_in(&order) {
        let batch = loader.batch(&order, k, &rngs).expect("a batch");
        assert_eq!(batch.input.one().expect("one tensor").size()[1..], [3, 224, 224]);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    photos::write(folder.path(), photos::PHOTOS)?;
    let [alone, two] = [data(folder.path(), 0)?, data(folder.path(), 2)?];
    let (mut ours, mut theirs) = (|| epoch(&two), || epoch(&alone));
    let timed = |run| Timed { run, units: 1 };
    compare("loader", "2 workers", "no workers", ROUNDS, timed(&mut ours), timed(&mut theirs));
    Ok(())
}
