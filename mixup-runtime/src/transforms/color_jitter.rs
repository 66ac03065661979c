//! Changes brightness, contrast, saturation and hue at random.

use rand::{RngExt as _, seq::SliceRandom as _};

use super::{AnyTransform, Picture, Transform, TransformError, hsv};
use crate::rng::Rng;

/// Changes the colours of each picture at random, with torchvision's formulas and in a random order. A grey picture has only brightness and
/// contrast.
///
/// A strength of 0.4 for the brightness draws a factor between 0.6 and 1.4; a hue of 0.1 turns the colours by up to a tenth of the circle.
///
/// ```
/// use mixup::{Rng, transforms::{ColorJitter, Picture}};
/// use rand::SeedableRng as _;
///
/// let red = Picture::new(1, 1, 3, vec![200, 0, 0])?;
/// let jitter = ColorJitter::new(0.4, 0.0, 0.0, 0.1); // brightness, contrast, saturation, hue
/// assert_ne!(jitter.apply(red.clone(), &mut Rng::seed_from_u64(0))?, red);
/// # Ok::<(), mixup::transforms::TransformError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorJitter {
    brightness: f64,
    contrast: f64,
    saturation: f64,
    hue: f64,
}

#[derive(Clone, Copy)]
enum Change {
    Brightness(f64),
    Contrast(f64),
    Saturation(f64),
    Hue(f64),
}

impl ColorJitter {
    /// Sets how far the factors of brightness, contrast and saturation may be from 1, and by which part of the colour circle, at most 0.5, the hue
    /// may be turned. With 0, nothing of it changes.
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "a list holds transforms of several types")]
    pub fn new(brightness: f64, contrast: f64, saturation: f64, hue: f64) -> AnyTransform {
        Self { brightness, contrast, saturation, hue }.into()
    }

    /// Draws the changes and their order.
    fn draw(self, rng: &mut Rng) -> Vec<Change> {
        let mut factor = |strength: f64| rng.random_range((1.0 - strength).max(0.0)..=1.0 + strength);
        let [brightness, contrast, saturation] = [self.brightness, self.contrast, self.saturation].map(&mut factor);
        let all = [
            (self.brightness, Change::Brightness(brightness)),
            (self.contrast, Change::Contrast(contrast)),
            (self.saturation, Change::Saturation(saturation)),
            (self.hue, Change::Hue(rng.random_range(-self.hue..=self.hue))),
        ];
        let mut changes: Vec<Change> =
            all.into_iter().filter(|(strength, _)| *strength > 0.0).map(|(_, change)| change).collect();
        changes.shuffle(rng);
        changes
    }
}

impl Transform for ColorJitter {
    fn apply(&self, mut picture: Picture, rng: &mut Rng) -> Result<Picture, TransformError> {
        for change in self.draw(rng) {
            changed(&mut picture, change);
        }
        Ok(picture)
    }

    fn check(&self) -> Result<(), TransformError> {
        const NAME: &str = "ColorJitter";
        for (setting, strength) in
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)]
        {
            let holds = (0.0..=100.0).contains(&strength);
            TransformError::unless(holds, NAME, setting, strength, "from 0 to 100")?;
        }
        TransformError::unless((0.0..=0.5).contains(&self.hue), NAME, "hue", self.hue, "from 0 to 0.5")
    }
}

fn changed(picture: &mut Picture, change: Change) {
    let colour = picture.channels() == 3;
    match change {
        Change::Brightness(factor) => {
            picture.pixels_mut().iter_mut().for_each(|pixel| *pixel = blend(0, *pixel, factor));
        }
        Change::Contrast(factor) => {
            let mean = mean_luma(picture);
            picture.pixels_mut().iter_mut().for_each(|pixel| *pixel = blend(mean, *pixel, factor));
        }
        Change::Saturation(factor) if colour => {
            for pixel in picture.pixels_mut().as_chunks_mut::<3>().0 {
                let grey = luma(*pixel);
                *pixel = pixel.map(|channel| blend(grey, channel, factor));
            }
        }
        Change::Hue(turn) if colour => {
            // A part of the circle in bytes; the sum wraps around, as the circle does.
            let turn = ((turn * 255.0) as i32) as u8;
            for pixel in picture.pixels_mut().as_chunks_mut::<3>().0 {
                let [hue, saturation, value] = hsv::from_rgb(*pixel);
                *pixel = hsv::to_rgb([hue.wrapping_add(turn), saturation, value]);
            }
        }
        Change::Saturation(_) | Change::Hue(_) => {}
    }
}

/// From `base` to `pixel` by a factor, which may lead beyond it: Pillow's `Image.blend`, which drops fractions.
fn blend(base: u8, pixel: u8, factor: f64) -> u8 {
    let (base, factor) = (f32::from(base), factor as f32);
    (base + factor * (f32::from(pixel) - base)) as u8 // below 0 and above 255, the limit
}

/// The brightness of a pixel as Pillow's mode `L` has it: ITU-R BT.601 in 16 bits.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}

fn mean_luma(picture: &Picture) -> u8 {
    let (sum, count) = if picture.channels() == 3 {
        let pixels = picture.pixels().as_chunks::<3>().0;
        (pixels.iter().map(|pixel| u64::from(luma(*pixel))).sum::<u64>(), pixels.len())
    } else {
        (picture.pixels().iter().copied().map(u64::from).sum(), picture.pixels().len())
    };
    (sum as f64 / count as f64 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::{
        super::golden::{Golden, assert_alike},
        *,
    };

    #[test]
    fn the_colours_are_those_of_torchvision() {
        let golden = Golden::read(include_str!("golden/color_jitter.json"));
        for (case, expected) in &golden.cases {
            let (kind, value) = case.split_once(' ').expect("a name and a number");
            let value: f64 = value.parse().expect("a number");
            let change = match kind {
                "brightness" => Change::Brightness(value),
                "contrast" => Change::Contrast(value),
                "saturation" => Change::Saturation(value),
                _ => Change::Hue(value),
            };
            let mut picture = golden.picture();
            changed(&mut picture, change);
            assert_alike(case, &picture, expected);
        }
    }
}
