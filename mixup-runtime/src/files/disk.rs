//! The disk: one method for each call to the operating system that can fail.

use std::{
    fmt, fs,
    fs::{File, TryLockError},
    io,
    io::{Read, Seek as _, SeekFrom, Write as _},
    path::Path,
};

/// Where files are. Whatever a method returns, only what was synced survives a loss of power.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Creates a file that does not exist yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Created>>;

    /// Renames a file, over the one that has the new name, if there is one: at each moment one of the two has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Waits until the folder's entries are durable: which files it has, under which names.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names of the files in a folder, in no order. A name that is not Unicode is none of ours and is left out.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Opens a file for reading, and returns its length too.
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)>;

    /// Creates a folder that does not exist yet, in one that does.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Takes the exclusive lock of a file, which is created if it does not exist. `None` if somebody has it. It is released when the result is
    /// dropped, and when the process ends, however it ends.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>>;
}

/// A file that is being written.
pub(crate) trait Created: Send {
    /// Writes bytes at an offset, all of them or an error.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until the bytes are durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A lock that is held until this is dropped.
pub(crate) trait Held: Send {}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Created>> {
        Ok(Box::new(File::create_new(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    #[cfg(unix)]
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    /// Only Unix can open a folder. Elsewhere the file system itself keeps the order of what happens to a folder's entries.
    #[cfg(not(unix))]
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
        // Opening a FIFO waits for somebody who writes.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok((Box::new(file), len))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>> {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Created for File {
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Held for File {}
