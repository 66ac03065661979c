//! Photos for the benches: JPEGs of 500×375 with slopes, edges and grain, so that they compress like photos (about 55 kB).

use std::{error::Error, fs, io::BufWriter, path::Path};

use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use rand::{RngExt as _, SeedableRng as _};

pub const PHOTOS: usize = 2000;

/// Writes `photos/<class>/<number>.jpg`, ten classes, each photo with its own grain.
pub fn write(folder: &Path, photos: usize) -> Result<(), Box<dyn Error>> {
    for number in 0..photos {
        let class = folder.join(format!("class{}", number % 10));
        fs::create_dir_all(&class)?;
        let mut rng = mixup::Rng::seed_from_u64(number as u64);
        let (shift, middle): (u32, u32) = (rng.random_range(0..200), rng.random_range(100..400));
        let image = RgbImage::from_fn(500, 375, |x, y| {
            let grain: u8 = rng.random_range(0..24);
            let inside = x.abs_diff(middle).pow(2) + y.abs_diff(180).pow(2) < 90_u32.pow(2);
            let slope = [x / 3 + shift, y / 2 + shift / 2, (x + y) / 5];
            Rgb(slope.map(|value| (value % 200) as u8 / if inside { 2 } else { 1 } + grain))
        });
        let file = BufWriter::new(fs::File::create(class.join(format!("{number}.jpg")))?);
        JpegEncoder::new_with_quality(file, 85).encode_image(&image)?;
    }
    Ok(())
}
