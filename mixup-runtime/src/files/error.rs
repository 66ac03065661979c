//! What can go wrong with a file.

use std::{io, path::PathBuf};

use super::Damage;

/// Why a file could not be written or read.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A file could not be written. One that had its name before is unchanged.
    #[error("`{}` can't be written: {source}; {}", path.display(), advice(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is written under its name, but the folder could not be synced: after a loss of power the old file may be back.
    #[error("`{}` is written, but the disk did not confirm it: {source}; save it again, better on another disk", path.display())]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("`{}` can't be read: {source}; {}", path.display(), advice(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file could not be removed.
    #[error("`{}` can't be removed: {source}", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A folder could not be created, listed or locked.
    #[error("the folder `{}` can't be {what}: {source}; {}", path.display(), advice(source))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What was tried: `created`, `listed` or `locked`.
        what: &'static str,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another process, or another learner of this one, has the folder.
    #[error(
        "the folder `{}` is in use by another training: wait until it has ended, or choose another folder", path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A path that names no file, such as `..`.
    #[error("`{}` is no name of a file: give a path such as `model.safetensors`", path.display())]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// The file is there, and is not what it should be.
    #[error("`{}` is damaged or no such file: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with its bytes.
        #[source]
        damage: Damage,
    },
    /// Something can't be put into a file.
    #[error("`{}` can't be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What can't be written, and why.
        reason: String,
    },
}

crate::error::debug_with_sources!(FileError);

/// What to do about an error of the system.
pub(crate) fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind::{
        InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull,
        Unsupported,
    };
    match error.kind() {
        NotFound => "check the path: the file or one of its folders does not exist",
        PermissionDenied | ReadOnlyFilesystem => "choose a place where this user has the permission",
        StorageFull => "free some space, or choose another disk",
        IsADirectory | NotADirectory | InvalidInput => "give the path of a file, in a folder that exists",
        Unsupported => "choose a folder on a local disk",
        _ => "check the disk",
    }
}
