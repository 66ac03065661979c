//! Reads headers and decodes images, on all cores.

use std::{
    collections::HashMap,
    error::Error,
    fs,
    io::{Cursor, Read as _},
    path::PathBuf,
};

use image::{DynamicImage, ImageDecoder, ImageReader, metadata::Orientation};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::{
    jpeg,
    tree::{Content, Image, MAX_FILE_SIZE},
};
use crate::{
    data::{DataError, ImageSize, progress::Progress},
    transforms::Picture,
};

/// How many bytes are decoded before they are copied to their tensor.
const BLOCK: usize = 64 << 20;

/// How many bytes a decoded image may have at most. The decoders have the same limit; it is checked before the memory is
/// allocated.
const LIMIT: u64 = 512 << 20;

/// How much of a file is read for its header. If the header is longer, as with a large preview in it, the whole file is read.
const HEADER: u64 = 64 << 10;

/// The channels of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// The width and the height of each image, read from its header, as it will be shown: a camera may have been held upright.
pub(super) fn sizes(images: &[&Image], progress: &Progress) -> Vec<Result<(u32, u32), DataError>> {
    let size = |image: &&Image| {
        progress.step(1);
        size(image).map_err(|cause| broken(image, cause))
    };
    images.par_iter().map(size).collect()
}

/// What is wrong with each image, if anything, found by decoding it.
pub(super) fn faults(images: &[&Image], channels: Channels, progress: &Progress) -> Vec<Option<DataError>> {
    let fault = |image: &&Image| {
        progress.step(1);
        size(image).and_then(|_| open(image, channels)).err().map(|cause| broken(image, cause))
    };
    images.par_iter().map(fault).collect()
}

/// The error for images of several sizes; `None` if there is only one.
pub(super) fn several_sizes<'a>(images: impl Iterator<Item = (&'a Image, (u32, u32))>) -> Option<DataError> {
    let mut positions: HashMap<(u32, u32), usize> = HashMap::new();
    let mut sizes: Vec<ImageSize> = Vec::new();
    for (image, (width, height)) in images {
        let position = *positions.entry((width, height)).or_insert(sizes.len());
        match sizes.get_mut(position) {
            Some(known) => known.images += 1,
            None => sizes.push(ImageSize { width, height, images: 1, first: image.name.clone() }),
        }
    }
    // The sort is stable: equally frequent sizes stay in the order of their first files.
    sizes.sort_by_key(|size| std::cmp::Reverse(size.images));
    (sizes.len() > 1).then_some(DataError::Sizes { sizes })
}

/// The pixels of images that all have one size once they are prepared, `u8` `[n, c, h, w]`. They are decoded in blocks, so that they are never
/// all in memory twice.
pub(super) fn pixels(
    images: &[Image],
    (channels, width, height): (Channels, u32, u32),
    prepare: impl Fn(&Image) -> Result<Picture, DataError> + Sync,
    progress: &Progress,
) -> Result<Tensor, DataError> {
    pixels_by(BLOCK, images, (channels, width, height), prepare, progress)
}

fn pixels_by(
    block: usize,
    images: &[Image],
    (channels, width, height): (Channels, u32, u32),
    prepare: impl Fn(&Image) -> Result<Picture, DataError> + Sync,
    progress: &Progress,
) -> Result<Tensor, DataError> {
    let length = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let (c, h, w) = (length(channels.count()), i64::from(height), i64::from(width));
    let bytes = (channels.count() * width as usize).saturating_mul(height as usize).max(1);
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
            let picture = match prepare(image) {
                Ok(picture) => picture,
                Err(error) => return Some(error),
            };
            if (picture.width(), picture.height()) != (width, height) {
                let found = format!("{}×{}", picture.width(), picture.height());
                return Some(broken(image, format!("it should have {width}×{height} pixels, but has {found}").into()));
            }
            picture.planes(out);
            None
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

/// Decodes an image.
pub(super) fn decode(image: &Image, channels: Channels) -> Result<Picture, DataError> {
    open(image, channels).map_err(|cause| broken(image, cause))
}

/// Reads width and height from the header alone.
fn size(image: &Image) -> Result<(u32, u32), Failure> {
    let (width, height) = match &image.content {
        Content::Pixels(picture) => (picture.width(), picture.height()),
        Content::Memory(bytes) => header(bytes)?,
        Content::File(path) => {
            let mut file = fs::File::open(path)?;
            let found = file.metadata()?.len();
            if found > MAX_FILE_SIZE {
                return Err(DataError::TooBig { file: image.name.clone(), found, limit: MAX_FILE_SIZE }.into());
            }
            let mut bytes = Vec::new();
            file.by_ref().take(HEADER).read_to_end(&mut bytes)?;
            match header(&bytes) {
                Err(_) if found > HEADER => {
                    file.take(MAX_FILE_SIZE).read_to_end(&mut bytes)?;
                    header(&bytes)?
                }
                size => size?,
            }
        }
    };
    if u64::from(width).saturating_mul(u64::from(height)).saturating_mul(3) > LIMIT {
        return Err(format!("its header says {width}×{height} pixels, which is more than an image may have").into());
    }
    Ok((width, height))
}

fn header(bytes: &[u8]) -> Result<(u32, u32), Failure> {
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
    let (width, height) = decoder.dimensions();
    Ok(if lies(orientation(&mut decoder)) { (height, width) } else { (width, height) })
}

/// How the camera was held; a picture whose EXIF data is broken is shown as it is.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

/// Whether width and height are exchanged.
fn lies(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// Decodes an image and turns it upright. Transparency is dropped, 16 bits become 8, and colour becomes grey as the luma of ITU-R BT.709.
fn open(image: &Image, channels: Channels) -> Result<Picture, Failure> {
    let mut read = Vec::new();
    let bytes = match &image.content {
        Content::Pixels(picture) => return with_channels(picture, channels),
        Content::File(path) => {
            // The file may have grown since its header was read.
            fs::File::open(path)?.take(MAX_FILE_SIZE).read_to_end(&mut read)?;
            &read
        }
        Content::Memory(bytes) => bytes,
    };
    jpeg::check(bytes)?;
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
    let orientation = orientation(&mut decoder);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    let pixels = match channels {
        Channels::Grey => image.into_luma8().into_raw(),
        Channels::Rgb => image.into_rgb8().into_raw(),
    };
    Ok(Picture::new(width, height, channels.count(), pixels)?)
}

/// A grey picture with these channels.
fn with_channels(picture: &Picture, channels: Channels) -> Result<Picture, Failure> {
    if picture.channels() == channels.count() {
        return Ok(picture.clone());
    }
    let pixels = picture.pixels().iter().flat_map(|&grey| [grey; 3]).collect();
    Ok(Picture::new(picture.width(), picture.height(), channels.count(), pixels)?)
}

#[cfg(test)]
mod tests {
    use super::{super::tree::ImageLabel, *};

    #[test]
    fn blocks_of_any_size_have_the_same_pixels_in_the_same_order() {
        let image = |value: u8| {
            let mut png = Cursor::new(Vec::new());
            let grey = image::GrayImage::from_fn(2, 3, |x, _| image::Luma([value + u8::from(x == 1)]));
            grey.write_to(&mut png, image::ImageFormat::Png).expect("memory");
            let content = Content::Memory(png.into_inner());
            Image { name: PathBuf::from("x.png"), label: ImageLabel::Class(0), content }
        };
        let images: Vec<Image> = (0..7).map(|i| image(10 * i)).collect();
        let expected: Vec<u8> = (0..7).flat_map(|i| [10 * i, 10 * i + 1].repeat(3)).collect();
        // One image has six bytes. The blocks have one image, one again, three with a last block of one, and all at once.
        for block in [1, 6, 20, BLOCK] {
            let progress = Progress::new(String::new(), 7);
            let prepare = |image: &Image| decode(image, Channels::Grey);
            let pixels = pixels_by(block, &images, (Channels::Grey, 2, 3), prepare, &progress).expect("whole images");
            assert_eq!(pixels.size(), [7, 1, 3, 2]);
            assert_eq!(Vec::<u8>::try_from(pixels.flatten(0, -1)).expect("bytes"), expected, "blocks of {block}");
        }
    }
}
