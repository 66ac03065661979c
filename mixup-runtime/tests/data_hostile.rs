//! Damaged and made-up files: whatever the bytes are, the result is data or a typed error, never a panic.

mod data_support;

use data_support::{all, colour, encode, gzip, idx, put, sample, tar, zip};
use image::{DynamicImage, ImageFormat};
use mixup_runtime::data::{DataError, ImageData};
use proptest::{prelude::*, sample::Index};

/// One way to damage a file.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let end = |start: usize, length: usize| (start + length).min(bytes.len());
        match self {
            Self::Set(at, value) => *at.get_mut(bytes) = *value,
            Self::Flip(at, bit) => *at.get_mut(bytes) ^= 1 << bit,
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Insert(at, more) => {
                let start = at.index(bytes.len());
                bytes.splice(start..start, more.iter().copied());
            }
            Self::Remove(at, length) => {
                let start = at.index(bytes.len());
                bytes.drain(start..end(start, *length));
            }
            Self::Repeat(at, length) => {
                let start = at.index(bytes.len());
                let part = bytes[start..end(start, *length)].to_vec();
                bytes.splice(start..start, part);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    let edge = || prop_oneof![Just(0), Just(1), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()];
    prop_oneof![
        4 => (at(), edge()).prop_map(|(at, value)| Damage::Set(at, value)),
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), prop::collection::vec(edge(), 1..16)).prop_map(|(at, more)| Damage::Insert(at, more)),
        1 => (at(), 1..64_usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (at(), 1..600_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

/// Undamaged files by their paths in a folder of data; those named `x` are archives.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let noise = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
    let png = encode(&DynamicImage::from(noise), ImageFormat::Png);
    let images = idx(&[3, 2, 2], &(10..22).collect::<Vec<u8>>());
    vec![
        ("train/a/x.png", png),
        ("train/a/x.jpg", colour(ImageFormat::Jpeg, 16, 16, [200, 100, 50])),
        ("x.tgz", gzip(&tar(&sample()))),
        ("x.tar", tar(&sample())),
        ("x.zip", zip(&sample())),
        ("train-images-idx3-ubyte", images.clone()),
        ("train-images-idx3-ubyte.gz", gzip(&images)),
    ]
}

/// Reads all items from `bytes`, as a file at `path`.
fn read(path: &str, bytes: &[u8]) -> Result<(), DataError> {
    let root = tempfile::tempdir().expect("a folder");
    let file = put(root.path(), path, bytes);
    put(root.path(), "train-labels-idx1-ubyte", &idx(&[3], &[2, 0, 1]));
    let place = if path.starts_with("train") { root.path() } else { &file };
    let data = ImageData::open(place)?.build()?;
    let _ = all(data.train()).expect("data that was built can be read");
    Ok(())
}

#[test]
fn an_undamaged_file_is_read() {
    for (path, bytes) in files() {
        read(path, &bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_damaged_file_is_read_or_is_an_error(which in any::<Index>(), damages in prop::collection::vec(damage(), 1..8)) {
        let files = files();
        let (path, mut bytes) = which.get(&files).clone();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        let _ = read(path, &bytes);
    }

    #[test]
    fn made_up_bytes_are_read_or_are_an_error(
        which in any::<Index>(),
        length in 0..64_usize,
        more in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let files = files();
        // The first bytes of an undamaged file, so that it is recognised, then any bytes.
        let (path, whole) = which.get(&files);
        let _ = read(path, &[&whole[..length.min(whole.len())], &more].concat());
    }
}
