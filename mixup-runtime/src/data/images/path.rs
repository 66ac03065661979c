//! What a path is: a folder, a regular file, or something that must not be opened.
//!
//! Opening a FIFO waits until somebody writes to it, and a device may never end. So a path is checked before it is opened.
//! Links are followed: a link counts as its target.

use std::{fs, io, path::Path};

use crate::data::DataError;

/// The metadata of what is at `path`.
pub(in crate::data) fn metadata(path: &Path) -> Result<fs::Metadata, DataError> {
    fs::metadata(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => DataError::NotFound { path: path.to_owned() },
        _ => DataError::Read { file: path.to_owned(), cause },
    })
}

/// Returns an error unless `path` is a folder.
pub(super) fn require_folder(path: &Path) -> Result<(), DataError> {
    let metadata = metadata(path)?;
    match special(&metadata) {
        _ if metadata.is_dir() => Ok(()),
        Some(kind) => Err(DataError::SpecialFile { path: path.to_owned(), kind }),
        None => Err(DataError::NotAFolder { path: path.to_owned() }),
    }
}

/// Returns an error if `path` is neither a regular file nor a folder. If its metadata can't be read, opening it will say why.
pub(in crate::data) fn refuse_special(path: &Path) -> Result<(), DataError> {
    match fs::metadata(path).ok().as_ref().and_then(special) {
        Some(kind) => Err(DataError::SpecialFile { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

/// What the file is, in words, unless it is a regular file or a folder.
fn special(metadata: &fs::Metadata) -> Option<&'static str> {
    #[cfg(unix)]
    fn name(kind: fs::FileType) -> &'static str {
        use std::os::unix::fs::FileTypeExt as _;
        match kind {
            _ if kind.is_fifo() => "a FIFO",
            _ if kind.is_socket() => "a socket",
            _ => "a device",
        }
    }
    #[cfg(not(unix))]
    fn name(_: fs::FileType) -> &'static str {
        "a device"
    }
    let kind = metadata.file_type();
    (!kind.is_file() && !kind.is_dir()).then(|| name(kind))
}
