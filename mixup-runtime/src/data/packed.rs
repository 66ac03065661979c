//! Archives: what kind one is, by its content, and reading it while a bar shows how far it is.

use std::{
    fs::File,
    io::{self, Read, Seek},
};

use super::progress::Progress;

/// The kinds of archives that are read.
pub(super) enum Packed {
    Zip,
    Tar,
    /// A gzipped tar.
    TarGz,
}

impl Packed {
    /// The kind of an archive, of which nothing has been read yet and nothing will have been. `None` if it is none.
    pub(super) fn of(source: &mut File) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        source.by_ref().take(512).read_to_end(&mut start)?;
        source.rewind()?;
        Ok(if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            Some(Self::Zip)
        } else if start.starts_with(&[0x1f, 0x8b]) {
            Some(Self::TarGz)
        } else if start.get(257..262) == Some(b"ustar") {
            Some(Self::Tar)
        } else {
            None
        })
    }
}

/// A file that reports how much of it has been read.
pub(super) struct Counted<'a> {
    pub(super) source: File,
    pub(super) progress: &'a Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.progress.step(u64::try_from(read).unwrap_or_default());
        Ok(read)
    }
}
