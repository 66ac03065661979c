//! Decodes images on all cores, into one tensor of bytes.
//!
//! First all headers are read, so that images of several sizes are found before memory for the pixels is allocated. Then
//! the pixels are decoded in blocks, so that they are never all in memory twice.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    io::{BufRead, BufReader, Cursor, Read as _, Seek},
    path::PathBuf,
};

use image::{DynamicImage, ImageReader};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{
    jpeg,
    tree::{Content, Image, MAX_FILE_SIZE},
};
use crate::data::{DataError, ImageSize, progress::Progress, splits::thousands};

/// How many bytes are decoded before they are copied to their tensor.
const BLOCK: usize = 64 << 20;

/// How many bytes a decoded image may have at most. The decoders have the same limit; it is checked before the memory is
/// allocated.
const LIMIT: u64 = 512 << 20;

/// The channels of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    Rgb,
}

impl Channels {
    pub(super) fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

/// The pixels of each group of images, `u8` `[n, c, h, w]`; all groups have one size.
pub(super) fn decode(groups: &[&[Image]], channels: Channels) -> Result<Vec<Tensor>, DataError> {
    let all: Vec<&Image> = groups.iter().copied().flatten().collect();
    let steps = u64::try_from(all.len()).unwrap_or_default().saturating_mul(2);
    let progress = Progress::new(format!("decoding {} images", thousands(all.len())), steps);
    let (width, height) = common_size(&all, &progress)?;
    let shape = [i64::try_from(channels.count()).unwrap_or_default(), i64::from(height), i64::from(width)];
    groups.iter().map(|images| pixels(images, shape, channels, BLOCK, &progress)).collect()
}

/// The width and height that all images have.
fn common_size(images: &[&Image], progress: &Progress) -> Result<(u32, u32), DataError> {
    let headers: Vec<Result<(u32, u32), DataError>> = images
        .par_iter()
        .map(|image| {
            progress.step(1);
            size(image).map_err(|cause| broken(image, cause))
        })
        .collect();
    let mut positions: HashMap<(u32, u32), usize> = HashMap::new();
    let mut sizes: Vec<ImageSize> = Vec::new();
    for (image, header) in images.iter().zip(headers) {
        let (width, height) = header?;
        let position = *positions.entry((width, height)).or_insert(sizes.len());
        match sizes.get_mut(position) {
            Some(known) => known.images += 1,
            None => sizes.push(ImageSize { width, height, images: 1, first: image.name.clone() }),
        }
    }
    if let [only] = sizes.as_slice() {
        return Ok((only.width, only.height));
    }
    // The sort is stable: equally frequent sizes stay in the order of their first files.
    sizes.sort_by_key(|size| std::cmp::Reverse(size.images));
    Err(DataError::Sizes { sizes })
}

/// Decodes `images` of `shape` `[c, h, w]`, about `block` bytes at a time.
fn pixels(
    images: &[Image],
    shape: [i64; 3],
    channels: Channels,
    block: usize,
    progress: &Progress,
) -> Result<Tensor, DataError> {
    let length = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let [c, h, w] = shape;
    let bytes = shape.iter().map(|&n| usize::try_from(n).unwrap_or_default()).product::<usize>().max(1);
    let all = Tensor::f_empty([length(images.len()), c, h, w], (Kind::Uint8, Device::Cpu)).map_err(|cause| {
        DataError::NoMemory {
            images: images.len(),
            shape: format!("{c}×{h}×{w}"),
            bytes: images.len().saturating_mul(bytes),
            cause,
        }
    })?;
    let per_block = (block / bytes).clamp(1, images.len().max(1));
    let mut buffer = vec![0_u8; per_block * bytes];
    let mut done = 0;
    for images in images.chunks(per_block) {
        // The first error in the order of the images, not in time, so that the same broken image is named each time.
        let failed = buffer.par_chunks_exact_mut(bytes).zip(images).find_map_first(|(out, image)| {
            progress.step(1);
            let decoded = open(image).and_then(|image| planes(image, (w, h), channels, out));
            decoded.err().map(|cause| broken(image, cause))
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let n = length(images.len());
        let filled = Tensor::f_from_data_size(&buffer[..images.len() * bytes], &[n, c, h, w], Kind::Uint8)?;
        all.f_narrow(0, done, n)?.f_copy_(&filled)?;
        done += n;
    }
    Ok(all)
}

type Failure = Box<dyn Error + Send + Sync>;

fn broken(image: &Image, cause: Failure) -> DataError {
    let file: PathBuf = image.name.clone();
    let cause = match cause.downcast::<DataError>() {
        Ok(error) => return *error,
        Err(cause) => cause,
    };
    match cause.downcast::<std::io::Error>() {
        Ok(cause) => DataError::Read { file, cause: *cause },
        Err(cause) => DataError::Image { file, cause },
    }
}

/// Reads width and height from the header alone.
fn size(image: &Image) -> Result<(u32, u32), Failure> {
    fn header(source: impl BufRead + Seek) -> Result<(u32, u32), Failure> {
        Ok(ImageReader::new(source).with_guessed_format()?.into_dimensions()?)
    }
    let (width, height) = match &image.content {
        Content::File(path) => {
            let file = fs::File::open(path)?;
            let found = file.metadata()?.len();
            if found > MAX_FILE_SIZE {
                return Err(DataError::TooBig { file: image.name.clone(), found, limit: MAX_FILE_SIZE }.into());
            }
            header(BufReader::new(file))?
        }
        Content::Memory(bytes) => header(Cursor::new(bytes))?,
    };
    if u64::from(width).saturating_mul(u64::from(height)).saturating_mul(3) > LIMIT {
        return Err(format!("its header says {width}×{height} pixels, which is more than an image may have").into());
    }
    Ok((width, height))
}

fn open(image: &Image) -> Result<DynamicImage, Failure> {
    let mut read = Vec::new();
    let bytes = match &image.content {
        Content::File(path) => {
            // The file may have grown since its header was read.
            fs::File::open(path)?.take(MAX_FILE_SIZE).read_to_end(&mut read)?;
            &read
        }
        Content::Memory(bytes) => bytes,
    };
    jpeg::check(bytes)?;
    Ok(ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.decode()?)
}

/// Writes an image as `[c, h, w]`. Transparency is dropped, 16 bits become 8, and colour becomes grey as the luma of
/// ITU-R BT.709.
fn planes(image: DynamicImage, size: (i64, i64), channels: Channels, out: &mut [u8]) -> Result<(), Failure> {
    if (i64::from(image.width()), i64::from(image.height())) != size {
        let (width, height) = size;
        let found = format!("{}×{}", image.width(), image.height());
        return Err(format!("its header says {width}×{height} pixels, but it has {found}").into());
    }
    let plane = (out.len() / channels.count()).max(1);
    if channels == Channels::Grey || !image.color().has_color() {
        let grey = image.into_luma8().into_raw();
        for out in out.chunks_exact_mut(plane) {
            out.copy_from_slice(&grey);
        }
    } else {
        let rgb = image.into_rgb8().into_raw();
        for (channel, out) in out.chunks_exact_mut(plane).enumerate() {
            for (out, pixel) in out.iter_mut().zip(rgb.chunks_exact(3)) {
                *out = pixel[channel]; // channel is below 3, since `out` has three planes here
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_size_have_the_same_pixels_in_the_same_order() {
        let image = |value: u8| {
            let mut png = Cursor::new(Vec::new());
            let grey = image::GrayImage::from_fn(2, 3, |x, _| image::Luma([value + u8::from(x == 1)]));
            grey.write_to(&mut png, image::ImageFormat::Png).expect("memory");
            Image { name: PathBuf::from("x.png"), label: 0, content: Content::Memory(png.into_inner()) }
        };
        let images: Vec<Image> = (0..7).map(|i| image(10 * i)).collect();
        let expected: Vec<u8> = (0..7).flat_map(|i| [10 * i, 10 * i + 1].repeat(3)).collect();
        // One image has six bytes. The blocks have one image, one again, three with a last block of one, and all at once.
        for block in [1, 6, 20, BLOCK] {
            let progress = Progress::new(String::new(), 7);
            let pixels = pixels(&images, [1, 3, 2], Channels::Grey, block, &progress).expect("whole images");
            assert_eq!(pixels.size(), [7, 1, 3, 2]);
            assert_eq!(Vec::<u8>::try_from(pixels.flatten(0, -1)).expect("bytes"), expected, "blocks of {block}");
        }
    }
}
