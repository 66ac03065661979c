//! Unpacks an archive into a folder of its own. An entry that leads out of it, a link and a device are errors, not left out: who packs such
//! things has something else in mind than data.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Component, Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::UntarError;
use crate::data::{
    packed::{Counted, Packed},
    progress::Progress,
};

/// Unpacks `archive` into `folder`, which is empty. Returns where its content is: if all of it is in one folder, that one.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<PathBuf, UntarError> {
    let failed = |cause| UntarError::Unpack { path: archive.to_owned(), cause };
    let mut source = File::open(archive).map_err(failed)?;
    let size = source.metadata().map_err(failed)?.len();
    let kind = Packed::of(&mut source).map_err(failed)?;
    let progress = Progress::new(format!("unpacking {}", archive.display()), size);
    let to = Target { archive, folder };
    match kind {
        Some(Packed::Zip) => to.zip(source, &progress)?,
        Some(Packed::Tar) => to.tar(BufReader::new(Counted { source, progress: &progress }))?,
        Some(Packed::TarGz) => {
            to.tar(MultiGzDecoder::new(BufReader::new(Counted { source, progress: &progress })))?;
        }
        None => return Err(UntarError::NoArchive { path: archive.to_owned() }),
    }
    top(folder).map_err(failed)
}

/// The only thing in a folder, if that is a folder, else the folder itself.
fn top(folder: &Path) -> io::Result<PathBuf> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    match &entries[..] {
        [only] if only.file_type()?.is_dir() => Ok(only.path()),
        _ => Ok(folder.to_owned()),
    }
}

struct Target<'a> {
    archive: &'a Path,
    folder: &'a Path,
}

impl Target<'_> {
    fn tar(&self, source: impl Read) -> Result<(), UntarError> {
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries().map_err(|cause| self.failed(cause))? {
            let mut entry = entry.map_err(|cause| self.failed(cause))?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let kind = entry.header().entry_type();
            if kind.is_pax_global_extensions() {
                continue;
            }
            let path = entry.path().map_err(|cause| self.failed(cause))?.into_owned();
            let Some(path) = self.place(&path, &name)? else { continue };
            if kind.is_dir() {
                fs::create_dir_all(path).map_err(|cause| self.failed(cause))?;
            } else if kind.is_symlink() || kind.is_hard_link() {
                return Err(self.hostile(name, "is a link, which archives of data may not have"));
            } else if kind.is_file() || kind.is_contiguous() {
                let size = entry.size();
                self.write(&mut entry, size, &path, &name)?;
            } else {
                return Err(self.hostile(name, "is neither a file nor a folder"));
            }
        }
        Ok(())
    }

    fn zip(&self, source: File, progress: &Progress) -> Result<(), UntarError> {
        let failed = |cause: zip::result::ZipError| self.failed(cause.into());
        let mut archive = zip::ZipArchive::new(BufReader::new(source)).map_err(failed)?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(failed)?;
            // Some packers on Windows write a backslash as the separator.
            let name = entry.name().map_err(failed)?.replace('\\', "/");
            progress.step(entry.compressed_size());
            let Some(path) = self.place(Path::new(&name), &name)? else { continue };
            if entry.is_dir() || name.ends_with('/') {
                fs::create_dir_all(path).map_err(|cause| self.failed(cause))?;
            } else if entry.is_symlink() {
                return Err(self.hostile(name, "is a link, which archives of data may not have"));
            } else {
                let size = entry.size();
                self.write(&mut entry, size, &path, &name)?;
            }
        }
        Ok(())
    }

    /// Where an entry belongs. `None` for the top itself, and for what macOS adds.
    fn place(&self, entry: &Path, name: &str) -> Result<Option<PathBuf>, UntarError> {
        let mut place = self.folder.to_owned();
        let mut empty = true;
        for component in entry.components() {
            match component {
                Component::CurDir => {}
                Component::Normal(part) => {
                    if part == "__MACOSX" || part == ".DS_Store" || part.as_encoded_bytes().starts_with(b"._") {
                        return Ok(None);
                    }
                    place.push(part);
                    empty = false;
                }
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(self.hostile(name.to_owned(), "leads out of the folder"));
                }
            }
        }
        Ok((!empty).then_some(place))
    }

    /// Writes a file. There are no links in the folder, so the path leads to no other place.
    fn write(&self, content: &mut impl Read, size: u64, path: &Path, name: &str) -> Result<(), UntarError> {
        let written = create(path).and_then(|mut file| io::copy(content, &mut file));
        let written = written.map_err(|cause| self.failed(cause))?;
        if written != size {
            let text = format!("the entry `{name}` is cut off: {written} of its {size} bytes are there");
            return Err(self.failed(io::Error::new(io::ErrorKind::UnexpectedEof, text)));
        }
        Ok(())
    }

    fn failed(&self, cause: io::Error) -> UntarError {
        UntarError::Unpack { path: self.archive.to_owned(), cause }
    }

    fn hostile(&self, entry: String, reason: &'static str) -> UntarError {
        UntarError::Hostile { path: self.archive.to_owned(), entry, reason }
    }
}

/// Creates a file, and the folders above it.
fn create(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create(path)
}
