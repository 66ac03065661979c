//! Predicts the photos of a folder with the network that the other program has trained.

use mixup::{
    prelude::*,
    vision::{resnet18, vision_predictor},
};

fn main() -> Result<(), BoxError> {
    let folder = std::env::args().nth(1).ok_or("which folder? It has the photos to be predicted")?;
    let predictor = vision_predictor("pets.safetensors", resnet18)?;
    let photos = predictor.prepare(ImageData::unlabelled(folder)?)?.loader()?;
    let best = predictor.predict(&photos.all()?.input)?.best()?;
    for (item, found) in best.iter().enumerate() {
        println!("{}: {found}", photos.name(item));
    }
    Ok(())
}
