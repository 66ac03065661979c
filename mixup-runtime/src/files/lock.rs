//! A folder that one training has for itself.

use std::path::Path;

use super::{
    FileError,
    disk::{Disk, Held},
};

/// The file whose lock is that of its folder. It stays, since a lock on a file that others may remove protects nothing.
const NAME: &str = ".mixup-lock";

/// The lock of a folder, held until this is dropped or the process ends.
pub(crate) struct FolderLock {
    _held: Box<dyn Held>,
}

/// Takes the lock of a folder, against other processes and against others in this one.
pub(crate) fn lock_folder(disk: &dyn Disk, folder: &Path) -> Result<FolderLock, FileError> {
    match disk.lock(&folder.join(NAME)) {
        Ok(Some(held)) => Ok(FolderLock { _held: held }),
        Ok(None) => Err(FileError::Locked { path: folder.to_owned() }),
        Err(source) => Err(FileError::Folder { path: folder.to_owned(), what: "locked", source }),
    }
}
