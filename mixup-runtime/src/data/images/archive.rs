//! Lists the images in an archive: `.tgz`, `.tar.gz`, `.tar` or `.zip`, recognised by its content.
//!
//! Entries are read into memory only: no path in an archive can reach the disk.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::{
    path::{metadata, refuse_special},
    tree::{Content, Listing, MAX_FILE_SIZE, Part, TEST, TRAIN, VALID, is_hidden, is_image},
};
use crate::data::{
    DataError,
    packed::{Counted, Packed},
    progress::Progress,
};

/// A folder or an image in the archive, by the parts of its path; folders have no bytes.
struct Entry {
    path: Vec<String>,
    bytes: Option<Vec<u8>>,
}

/// The images in `file`, read but not decoded.
pub(super) fn list(file: &Path) -> Result<Listing, DataError> {
    if metadata(file)?.is_dir() {
        return Err(DataError::NotAnArchive { path: file.to_owned() });
    }
    refuse_special(file)?;
    let failed = |cause| DataError::Read { file: file.to_owned(), cause };
    let mut source = File::open(file).map_err(failed)?;
    let size = source.metadata().map_err(failed)?.len();
    let kind = Packed::of(&mut source).map_err(failed)?;

    let progress = Progress::new(format!("reading {}", file.display()), size);
    let entries = match kind {
        Some(Packed::Zip) => zip(file, source, &progress)?,
        Some(Packed::Tar) => tar(file, BufReader::new(Counted { source, progress: &progress }))?,
        Some(Packed::TarGz) => tar(file, MultiGzDecoder::new(BufReader::new(Counted { source, progress: &progress })))?,
        None => return Err(DataError::Unrecognised { path: file.to_owned() }),
    };
    drop(progress);
    arrange(file, entries)
}

/// Sorts the entries into `train`, `valid` and `test`, which are at the top or below the one folder that holds `train`.
fn arrange(file: &Path, entries: Vec<Entry>) -> Result<Listing, DataError> {
    let at = |entry: &Entry, depth: usize, train: &str| entry.path.get(depth).is_some_and(|name| name == train);
    let places = TRAIN.into_iter().flat_map(|name| [(0, name), (1, name)]);
    let place = places.into_iter().find(|&(depth, name)| entries.iter().any(|entry| at(entry, depth, name)));
    let Some((depth, train_name)) = place else {
        return Err(DataError::MissingFolder { folder: file.join(TRAIN[0]) });
    };
    let mut root = file.to_owned();
    let mut top = None;
    if depth == 1 {
        let in_top = entries.iter().filter(|entry| at(entry, 1, train_name));
        let tops: BTreeSet<&String> = in_top.filter_map(|entry| entry.path.first()).collect();
        if tops.len() > 1 {
            let tops = tops.into_iter().cloned().collect();
            return Err(DataError::SeveralTrainFolders { file: file.to_owned(), tops });
        }
        if let Some(&only) = tops.first() {
            root.push(only);
            top = Some(only.clone());
        }
    }
    let mut train = Part::new(root.join(train_name));
    let mut others: Vec<(&str, Part, bool)> =
        VALID.into_iter().chain(TEST).map(|name| (name, Part::new(root.join(name)), false)).collect();
    for Entry { path, bytes } in entries {
        if depth == 1 && path.first() != top.as_ref() {
            continue;
        }
        let Some((split, rest)) = path.get(depth..).and_then(<[String]>::split_first) else { continue };
        let part = if split == train_name {
            &mut train
        } else if let Some((_, part, there)) = others.iter_mut().find(|(name, ..)| split == name) {
            *there = true;
            part
        } else {
            continue;
        };
        match (rest, bytes) {
            ([class, below @ ..], Some(bytes)) if !below.is_empty() => {
                // A path that occurs twice counts once, as it would when unpacked.
                part.class(class.as_ref()).insert(below.iter().collect(), Content::Memory(bytes));
            }
            ([class, ..], None) => {
                part.class(class.as_ref());
            }
            ([name], Some(bytes)) => {
                part.loose.insert(name.into(), Content::Memory(bytes));
            }
            _ => {}
        }
    }
    let found = others.into_iter().filter(|(_, _, there)| *there).map(|(name, part, _)| (TEST.contains(&name), part));
    let (mut valid, mut test) = (None, None);
    for (is_test, part) in found {
        let place = if is_test { &mut test } else { &mut valid };
        place.get_or_insert(part);
    }
    Listing::new(train, valid, test)
}

fn tar(file: &Path, source: impl Read) -> Result<Vec<Entry>, DataError> {
    let failed = |cause| DataError::Read { file: file.to_owned(), cause };
    let mut archive = ::tar::Archive::new(source);
    let mut entries = Vec::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(path) = parts(&name) else { continue };
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            entries.extend(folders(path, true));
        } else if !wanted(&path) {
            entries.extend(folders(path, false));
        } else if kind.is_symlink() || kind.is_hard_link() {
            let cause = io::Error::new(io::ErrorKind::Unsupported, "a link to an image, which archives may not have");
            return Err(DataError::Read { file: file.join(name), cause });
        } else if kind.is_fifo() {
            return Err(DataError::SpecialFile { path: file.join(name), kind: "a FIFO" });
        } else if kind.is_character_special() || kind.is_block_special() {
            return Err(DataError::SpecialFile { path: file.join(name), kind: "a device" });
        } else {
            let size = entry.size();
            let bytes = read(&mut entry, size, file.join(name))?;
            entries.push(Entry { path, bytes: Some(bytes) });
        }
    }
    Ok(entries)
}

fn zip(file: &Path, source: File, progress: &Progress) -> Result<Vec<Entry>, DataError> {
    let failed = |cause: ::zip::result::ZipError| DataError::Read { file: file.to_owned(), cause: cause.into() };
    let mut archive = ::zip::ZipArchive::new(BufReader::new(source)).map_err(failed)?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(failed)?;
        // Some packers on Windows write a backslash as the separator.
        let name = entry.name().map_err(failed)?.replace('\\', "/");
        progress.step(entry.compressed_size());
        let Some(path) = parts(&name) else { continue };
        if entry.is_dir() || name.ends_with('/') {
            entries.extend(folders(path, true));
        } else if !wanted(&path) {
            entries.extend(folders(path, false));
        } else {
            let size = entry.size();
            let bytes = read(&mut entry, size, file.join(name))?;
            entries.push(Entry { path, bytes: Some(bytes) });
        }
    }
    Ok(entries)
}

/// The parts of a path in an archive; `None` if it leads upwards or is hidden, because such a file is not one of the images.
fn parts(name: &str) -> Option<Vec<String>> {
    let parts: Vec<String> =
        name.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
    (!parts.is_empty() && !parts.iter().any(|part| is_hidden(part.as_ref()))).then_some(parts)
}

/// Whether the path may be an image of a part, at the top of the archive or one folder below.
fn wanted(path: &[String]) -> bool {
    let part = |name: &String| [TRAIN, VALID, TEST].concat().contains(&name.as_str());
    path.iter().take(2).any(part) && path.last().is_some_and(|name| is_image(Path::new(name)))
}

/// The folder at `path`, or the folder of a file that is not an image, so that an empty class is noticed.
fn folders(mut path: Vec<String>, is_folder: bool) -> Option<Entry> {
    if !is_folder {
        path.pop();
    }
    (!path.is_empty()).then_some(Entry { path, bytes: None })
}

/// Reads all bytes of an entry and checks that there are as many as its header says.
fn read(entry: &mut impl Read, expected: u64, file: PathBuf) -> Result<Vec<u8>, DataError> {
    if expected > MAX_FILE_SIZE {
        return Err(DataError::TooBig { file, found: expected, limit: MAX_FILE_SIZE });
    }
    let mut bytes = Vec::new();
    if let Err(cause) = entry.take(MAX_FILE_SIZE).read_to_end(&mut bytes) {
        return Err(DataError::Read { file, cause });
    }
    match u64::try_from(bytes.len()) {
        Ok(found) if found != expected => Err(DataError::Truncated { file, expected, found }),
        _ => Ok(bytes),
    }
}
