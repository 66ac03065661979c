//! Writes small image files, archives and IDX files for tests.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use mixup_runtime::{
    data::{Data, DataError, Loader},
    rng::ItemRngs,
};
use rand::SeedableRng;
use tch::{Kind, Tensor};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A grey PNG with one value.
pub fn grey_png(width: u32, height: u32, value: u8) -> Vec<u8> {
    encode(&GrayImage::from_pixel(width, height, Luma([value])).into(), ImageFormat::Png)
}

/// An RGB image of one colour.
pub fn colour(format: ImageFormat, width: u32, height: u32, rgb: [u8; 3]) -> Vec<u8> {
    encode(&RgbImage::from_pixel(width, height, Rgb(rgb)).into(), format)
}

pub fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("an image can be written to memory");
    bytes.into_inner()
}

/// Writes a file, and the folders above it.
pub fn put(root: &Path, path: &str, bytes: &[u8]) -> PathBuf {
    let file = root.join(path);
    fs::create_dir_all(file.parent().expect("a file lies in a folder")).expect("folders");
    fs::write(&file, bytes).expect("a file");
    file
}

/// `train/{3,7}` with three and two grey images of 4×2 (width×height) of the values 10, 20, …, and `valid/{3,7}` with one each.
pub fn sample() -> Vec<(String, Vec<u8>)> {
    [("train/3/a", 10), ("train/3/b", 20), ("train/3/c", 30), ("train/7/a", 40), ("train/7/b", 50)]
        .into_iter()
        .chain([("valid/3/a", 60), ("valid/7/a", 70)])
        .map(|(path, value)| (format!("{path}.png"), grey_png(4, 2, value)))
        .collect()
}

pub fn folder(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (path, bytes) in files {
        put(root.path(), path, bytes);
    }
    root
}

/// A special file: its name in messages, and its path.
#[cfg(unix)]
pub struct Special {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

#[cfg(unix)]
impl Special {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A device, a socket and a FIFO, each with its name in messages. The FIFO comes last: reading it would wait forever, and a test
/// that fails for one of the others says more.
#[cfg(unix)]
pub fn special_files() -> [(&'static str, Special); 3] {
    let place = |name: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        Special { path: folder.path().join(name), _folder: folder }
    };
    let (fifo, socket, mut device) = (place("fifo"), place("socket"), place("device"));
    let made = std::process::Command::new("mkfifo").arg(&fifo.path).status().expect("`mkfifo` is part of every Unix");
    assert!(made.success());
    // The file stays after the listener is dropped.
    std::os::unix::net::UnixListener::bind(&socket.path).expect("a socket");
    device.path = PathBuf::from("/dev/null");
    [("a device", device), ("a socket", socket), ("a FIFO", fifo)]
}

/// A tar of these files; a path that ends in `/` is a folder.
pub fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular });
        archive.append_data(&mut header, path, bytes.as_slice()).expect("an entry");
    }
    archive.into_inner().expect("an archive")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A zip of these files; a path that ends in `/` is a folder.
pub fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (path, bytes) in files {
        if path.ends_with('/') {
            archive.add_directory(path.as_str(), options).expect("a folder");
        } else {
            archive.start_file(path.as_str(), options).expect("an entry");
            archive.write_all(bytes).expect("memory");
        }
    }
    archive.finish().expect("an archive").into_inner()
}

/// An IDX file of bytes.
pub fn idx(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, u8::try_from(shape.len()).expect("few dimensions")];
    file.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    file.extend_from_slice(bytes);
    file
}

/// All items of a loader as one batch in their own order: `f32` pixels, and labels.
pub fn all(loader: &Loader) -> Result<(Tensor, Vec<i64>), DataError> {
    let order: Vec<usize> = (0..loader.items().expect("a length")).collect();
    let mut inputs = Vec::new();
    let mut labels: Vec<i64> = Vec::new();
    for k in 0..loader.batches_in(&order) {
        let batch = loader.batch(&order, k, &ItemRngs::new(0, 0))?;
        inputs.push(batch.input.one().expect("one tensor").shallow_clone());
        labels.extend(Vec::<i64>::try_from(batch.target.tensor()).expect("i64 of one dimension"));
    }
    Ok((Tensor::cat(&inputs, 0), labels))
}

/// The pixels converted back to bytes, image by image.
pub fn bytes(pixels: &Tensor) -> Vec<u8> {
    Vec::try_from((pixels * 255.0).round().to_kind(Kind::Uint8).flatten(0, -1)).expect("u8 of one dimension")
}

/// The first pixel of each image, and each label.
pub fn firsts(loader: &Loader) -> Vec<(u8, i64)> {
    let (pixels, labels) = all(loader).expect("all items can be read");
    let first = pixels.select(3, 0).select(2, 0).select(1, 0);
    bytes(&first).into_iter().zip(labels).collect()
}

/// Checks the data of `sample`, wherever it was read from.
pub fn is_the_sample(data: &Data) {
    assert_eq!(data.to_string(), "5 training and 2 validation images of 3×2×4 in 2 classes");
    assert_eq!(data.classes(), ["3", "7"]);
    assert_eq!(firsts(data.train()), [(10, 0), (20, 0), (30, 0), (40, 1), (50, 1)]);
    assert_eq!(firsts(data.valid().expect("valid is there")), [(60, 0), (70, 1)]);
}

pub fn rng() -> mixup_runtime::Rng {
    mixup_runtime::Rng::seed_from_u64(42)
}
