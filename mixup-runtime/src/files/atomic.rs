//! Writing a file so that a crash at any moment leaves the old file or the new one, never a part of one.
//!
//! The bytes go into a new temporary file in the same folder. It is synced, renamed, and then the folder is synced. A sync that failed is not
//! tried again: the kernel may have dropped the bytes that it could not write, and a second sync would then succeed without them (Rebello et al.,
//! "Can Applications Recover from fsync Failures?", USENIX ATC 2020).

use std::{
    io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{
    FileError,
    disk::{Created, Disk},
};

/// The end of the name of a temporary file.
const TEMPORARY: &str = ".mixup-tmp";

/// A file on its way to the disk.
pub(crate) struct Sink<'a> {
    file: Box<dyn Created>,
    /// The file that it will be.
    path: &'a Path,
    written: u64,
}

impl Sink<'_> {
    /// Writes the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.write_at(self.written, bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Writes over bytes that were written before.
    pub fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write(offset, bytes).map_err(|source| unwritten(self.path, source))
    }
}

/// Writes a file with what `write` puts into the sink, in the place of the one that has its name, if there is one.
///
/// Once this returns, the new file is durable. If it fails, the old file is unchanged and nothing else is left, with one exception:
/// [`FileError::NotDurable`].
pub(crate) fn write_atomically(
    disk: &dyn Disk,
    path: &Path,
    write: impl FnOnce(&mut Sink<'_>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let (folder, name) = split(path)?;
    let (temporary, file) = create(disk, folder, name).map_err(|source| unwritten(path, source))?;
    let mut sink = Sink { file, path, written: 0 };
    let written = write(&mut sink).and_then(|()| sink.file.sync().map_err(|source| unwritten(path, source)));
    drop(sink); // elsewhere than on Unix, an open file can't be renamed
    let renamed = written.and_then(|()| disk.rename(&temporary, path).map_err(|source| unwritten(path, source)));
    if renamed.is_err() {
        // What made the write fail is worth telling; a temporary file that stays is removed by `remove_stale`.
        let _ = disk.remove(&temporary);
        return renamed;
    }
    disk.sync_folder(folder).map_err(|source| FileError::NotDurable { path: path.to_owned(), source })
}

/// Removes the temporary files that killed processes have left in a folder: those of the files for whose names `of` is true. Returns what was
/// removed.
///
/// Nobody may be writing such a file in the meantime.
pub(crate) fn remove_stale(
    disk: &dyn Disk,
    folder: &Path,
    of: impl Fn(&str) -> bool,
) -> Result<Vec<PathBuf>, FileError> {
    let stale = list(disk, folder)?.into_iter().filter(|name| final_name(name).is_some_and(&of));
    let mut removed: Vec<_> = stale.map(|name| folder.join(name)).collect();
    removed.sort();
    for path in &removed {
        disk.remove(path).map_err(|source| FileError::Remove { path: path.clone(), source })?;
    }
    Ok(removed)
}

/// The names of the files in a folder, in no order.
pub(crate) fn list(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, FileError> {
    disk.list(folder).map_err(|source| FileError::Folder { path: folder.to_owned(), what: "listed", source })
}

/// Creates a folder, and those that it is in, if they do not exist. Once this returns, they are durable.
pub(crate) fn make_folder(disk: &dyn Disk, folder: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Folder { path: folder.to_owned(), what: "created", source };
    let mut created = disk.create_folder(folder);
    let parent = parent(folder);
    if created.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) && parent != folder {
        make_folder(disk, parent)?;
        created = disk.create_folder(folder);
    }
    match created {
        Ok(()) => disk.sync_folder(parent).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// The folder of a path, and the name there.
fn split(path: &Path) -> Result<(&Path, &str), FileError> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok((parent(path), name.ok_or_else(|| FileError::NoName { path: path.to_owned() })?))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a temporary file. A process before this one may have had the same number and left files.
fn create(disk: &dyn Disk, folder: &Path, name: &str) -> io::Result<(PathBuf, Box<dyn Created>)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Relaxed);
        let path = folder.join(format!(".{name}.{}-{number}{TEMPORARY}", process::id()));
        match disk.create(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// The name that a temporary file would have got; `None` if it is none.
fn final_name(name: &str) -> Option<&str> {
    let (name, number) = name.strip_prefix('.')?.strip_suffix(TEMPORARY)?.rsplit_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
    number.split_once('-').filter(|(process, number)| digits(process) && digits(number)).map(|_| name)
}

fn unwritten(path: &Path, source: io::Error) -> FileError {
    FileError::Write { path: path.to_owned(), source }
}
