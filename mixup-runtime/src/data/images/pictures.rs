//! Pictures that are transformed anew for each batch, kept in memory or decoded each time.

use super::{
    decode::{self, Channels},
    tree::{Image, ImageLabel},
};
use crate::{
    data::{Array, DataError, Item, Items, Label, splits::thousands},
    rng::Rng,
    transforms::{Chain, Picture},
};

/// Pictures as items.
pub(super) struct Pictures {
    pub(super) images: Vec<Image>,
    /// The pictures, as they are after `fixed`; `None` if they are decoded each time.
    pub(super) kept: Option<Vec<Picture>>,
    pub(super) channels: Channels,
    /// What happens to a picture always in the same way.
    pub(super) fixed: Chain,
    /// What happens to it afterwards.
    pub(super) random: Chain,
    /// How many classes an image with several of them chooses from.
    pub(super) classes: usize,
    /// The size of all results, if it is known.
    pub(super) size: Option<(u32, u32)>,
}

/// Decodes an image and applies a chain that is not random.
pub(super) fn prepare(image: &Image, channels: Channels, fixed: &Chain, rng: &Rng) -> Result<Picture, DataError> {
    apply(fixed, decode::decode(image, channels)?, image, rng)
}

fn apply(chain: &Chain, picture: Picture, image: &Image, rng: &Rng) -> Result<Picture, DataError> {
    chain.apply(picture, rng).map_err(|cause| DataError::Transform { file: image.name.clone(), cause })
}

/// What the model should predict for an image. An image without a label gets class 0, which nobody looks at.
pub(super) fn label(label: &ImageLabel, classes: usize) -> Result<Label, DataError> {
    Ok(match label {
        ImageLabel::Unknown => Label::Class(0),
        ImageLabel::Class(class) => Label::Class(*class),
        ImageLabel::Numbers(numbers) => Array::new([numbers.len()], numbers.clone())?.into(),
        ImageLabel::Several(own) => {
            let has: Vec<f32> = (0..classes).map(|class| f32::from(u8::from(own.contains(&class)))).collect();
            Array::new([classes], has)?.into()
        }
    })
}

impl Items for Pictures {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn get(&self, index: usize, rng: &mut Rng) -> Result<Item, DataError> {
        let image = self.images.get(index).ok_or(DataError::Index { index, items: self.images.len() })?;
        let picture = match self.kept.as_ref().and_then(|kept| kept.get(index)) {
            Some(kept) => kept.clone(),
            None => prepare(image, self.channels, &self.fixed, rng)?,
        };
        let picture = apply(&self.random, picture, image, rng)?;
        let [c, h, w] = [picture.channels(), picture.height() as usize, picture.width() as usize];
        let mut planes = vec![0; c * h * w];
        picture.planes(&mut planes);
        Ok(Item { input: Array::new([c, h, w], planes)?, label: label(&image.label, self.classes)? })
    }

    fn labelled(&self) -> bool {
        !self.images.iter().any(|image| image.label == ImageLabel::Unknown)
    }

    fn name(&self, index: usize) -> String {
        self.images
            .get(index)
            .map_or_else(|| format!("item {}", thousands(index)), |image| image.name.display().to_string())
    }

    fn describe(&self) -> String {
        match self.size {
            Some((width, height)) => format!("images of {}×{height}×{width}", self.channels.count()),
            None => "images".to_owned(),
        }
    }
}
