//! Batches that threads make ahead, of pictures that are augmented.

use image::{Rgb, RgbImage};
use mixup::{data::ImageData, prelude::*};
use tch::{Tensor, nn};

use super::{resumes, support::dropout};

/// Fourteen pictures in two classes.
fn pictures() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for k in 0..14_u32 {
        let folder = root.path().join("train").join(if k % 2 == 0 { "a" } else { "b" });
        std::fs::create_dir_all(&folder).expect("a folder");
        let image =
            RgbImage::from_fn(12 + k % 3, 14, |x, y| Rgb([(x * 17) as u8, (y * 13 + k) as u8, (x * y + 9 * k) as u8]));
        image.save(folder.join(format!("{k}.png"))).expect("a picture");
    }
    root
}

/// A learner of pictures that are decoded and augmented for each batch.
fn learner(root: &std::path::Path, workers: usize) -> Result<Learner, BoxError> {
    let data = ImageData::from_folder(root)?.items(Resize::new(12).crop()).memory(0).batch_size(4).workers(workers);
    let data = data.augment([RandomFlip::horizontal(), RandomResizedCrop::new(8), Rotate::new(15.0)]);
    let data = data.augment([ColorJitter::new(0.3, 0.3, 0.3, 0.1)]).build()?;
    let zeros = nn::LinearConfig { ws_init: nn::Init::Const(0.0), bs_init: Some(nn::Init::Const(0.0)), bias: true };
    let model = move |vs: &mixup::model::Vars<'_>| {
        nn::seq().add_fn(|pictures| pictures.flatten(1, -1)).add(nn::linear(vs, 3 * 8 * 8, 2, zeros))
    };
    Ok(Learner::builder(data, model).seed(3).quiet().build()?)
}

#[test]
fn a_training_on_augmented_pictures_that_threads_make_ahead_resumes() {
    let root = pictures();
    // Before each of four batches of two epochs, and after each epoch.
    assert_eq!(resumes(|| learner(root.path(), 2), 2), 2 * (4 + 1));
}

#[test]
fn a_training_on_augmented_pictures_has_the_same_bits_with_and_without_threads() -> Result<(), BoxError> {
    let root = pictures();
    let _alone = dropout::alone();
    let trained = |workers| -> Result<Vec<f32>, BoxError> {
        let mut learn = learner(root.path(), workers)?;
        learn.fit(2, 0.05)?;
        let all: Vec<Tensor> = learn.params().iter().map(|(_, tensor)| tensor.detach().flatten(0, -1)).collect();
        Ok(Vec::try_from(Tensor::cat(&all, 0))?)
    };
    let alone = trained(0)?;
    assert!(alone.iter().any(|&weight| weight != 0.0));
    assert_eq!(trained(2)?, alone);
    Ok(())
}
