//! Gets one file: from the folder if it is there, else from the server, beginning where an earlier attempt was cut.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    thread,
};

use sha2::{Digest as _, Sha256};

use super::{
    ByHand, UntarError,
    http::{Answer, Fault, Http, REDIRECTS, Rest},
    url::Remote,
};
use crate::{
    data::progress::Progress,
    files::{FileError, hex},
};

/// How often a download that was cut goes on within one call.
const RETRIES: u32 = 5;

/// The end of the name of a file that is not complete yet.
const PART: &str = ".part";

/// A file that is wanted.
pub(super) struct Wanted<'a> {
    pub(super) http: &'a Http,
    pub(super) remote: &'a Remote,
    /// Where it is downloaded from: its own address, or that of a mirror.
    pub(super) address: String,
    /// Where it belongs.
    pub(super) path: PathBuf,
    /// What to put where, if it can't be downloaded.
    pub(super) by_hand: ByHand,
}

/// Why an attempt failed, and whether another one may help.
struct Failed {
    error: UntarError,
    again: bool,
}

impl<E: Into<UntarError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { error: error.into(), again: false }
    }
}

impl Wanted<'_> {
    /// Makes sure that the file is at its path, and is what it must be.
    pub(super) fn get(&self) -> Result<(), UntarError> {
        if self.path.is_file() {
            return self.check_placed();
        }
        let resumed = length(&self.part())? > 0;
        self.download()?;
        match self.digest_of_part()? {
            Ok(()) => {}
            // What an earlier call has left may be of an older version of the file.
            Err(_) if resumed => {
                self.download()?;
                self.digest_of_part()??;
            }
            Err(error) => return Err(error),
        }
        fs::rename(self.part(), &self.path)
            .map_err(|source| FileError::Write { path: self.path.clone(), source }.into())
    }

    fn check_placed(&self) -> Result<(), UntarError> {
        let path = &self.path;
        let (size, found) = digest(path)?;
        if self.is_right(size, &found) {
            return Ok(());
        }
        Err(UntarError::Placed { path: path.clone(), size, found, expected: self.expected() })
    }

    /// Checks the part, which has been downloaded to its end, and removes it if it is not right.
    fn digest_of_part(&self) -> Result<Result<(), UntarError>, UntarError> {
        let (size, found) = digest(&self.part())?;
        if self.is_right(size, &found) {
            return Ok(Ok(()));
        }
        remove(&self.part())?;
        Ok(Err(UntarError::Digest { address: self.address.clone(), found, expected: self.expected() }))
    }

    fn is_right(&self, size: u64, sha256: &str) -> bool {
        let mut contents = self.remote.contents.iter();
        contents.any(|content| content.size.is_none_or(|known| known == size) && content.sha256 == sha256)
    }

    /// The digests that the file may have.
    fn expected(&self) -> String {
        self.remote.contents.iter().map(|content| &*content.sha256).collect::<Vec<_>>().join(" or ")
    }

    fn part(&self) -> PathBuf {
        let mut name = self.path.file_name().map_or_else(OsString::new, ToOwned::to_owned);
        name.push(PART);
        self.path.with_file_name(name)
    }

    /// Downloads what is missing of the part.
    fn download(&self) -> Result<(), UntarError> {
        let progress = Progress::of_bytes(format!("downloading {}", self.remote.name()));
        let mut download = Download { wanted: self, part: self.part(), version: None, expected: None, received: false };
        let mut attempt = 0;
        loop {
            match download.attempt(&progress) {
                Ok(()) => return Ok(()),
                Err(Failed { again: true, .. }) if attempt < RETRIES => {
                    thread::sleep(self.http.pause(attempt));
                    attempt += 1;
                }
                Err(Failed { error, .. }) => return Err(error),
            }
        }
    }
}

/// A download with several attempts.
struct Download<'a> {
    wanted: &'a Wanted<'a>,
    part: PathBuf,
    /// What the server calls the version of the file that the part is from.
    version: Option<String>,
    /// How many bytes the server says that the file has.
    expected: Option<u64>,
    /// Whether the server has sent anything yet.
    received: bool,
}

impl Download<'_> {
    /// Goes on from the end of the part.
    fn attempt(&mut self, progress: &Progress) -> Result<(), Failed> {
        let Wanted { http, remote, address, .. } = self.wanted;
        let mut there = length(&self.part)?;
        if there > 0 && remote.contents.iter().any(|content| content.size == Some(there)) {
            return Ok(());
        }
        if there > remote.most() {
            remove(&self.part)?;
            there = 0;
        }
        let answer = http.get(address, there, self.version.as_deref()).map_err(|fault| self.fault(fault, there))?;
        let rest = match answer {
            Answer::Bytes(rest) => rest,
            Answer::Status(status) => return Err(self.status(status, there)),
        };
        self.received = true;
        if rest.from != there && rest.from != 0 {
            remove(&self.part)?;
            return Err(Failed { error: self.cut("the server sent another part of the file".into(), 0), again: true });
        }
        if let Some(total) = rest.total.filter(|&total| !remote.may_have(total)) {
            // Nothing that was downloaded of such a file is of use.
            remove(&self.part)?;
            return Err(self.length(total).into());
        }
        self.version.clone_from(&rest.version);
        self.expected = rest.total;
        progress.set(rest.from, rest.total);
        self.append(rest, progress)
    }

    /// Writes what the server sends to the part.
    fn append(&self, mut rest: Rest, progress: &Progress) -> Result<(), Failed> {
        let unwritten = |source| FileError::Write { path: self.part.clone(), source };
        let mut file = File::options().create(true).truncate(false).write(true).open(&self.part).map_err(unwritten)?;
        // A server that does not know ranges sends the file from its beginning.
        file.set_len(rest.from).map_err(unwritten)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(rest.from)).map_err(unwritten)?;
        let mut there = rest.from;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match rest.body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Failed { error: self.cut(self.wanted.http.cut(error), there), again: true });
                }
            };
            file.write_all(&buffer[..read]).map_err(unwritten)?;
            there += read as u64;
            progress.step(read as u64);
            if there > self.wanted.remote.most() {
                remove(&self.part)?;
                return Err(self.length(there).into());
            }
        }
        match rest.total {
            Some(total) if there < total => Err(Failed { error: self.cut("it was closed".into(), there), again: true }),
            _ if !self.wanted.remote.may_have(there) => {
                remove(&self.part)?;
                Err(self.length(there).into())
            }
            _ => Ok(file.sync_all().map_err(unwritten)?),
        }
    }

    fn fault(&self, fault: Fault, there: u64) -> Failed {
        let Wanted { address, by_hand, .. } = self.wanted;
        let (address, by_hand) = (address.clone(), by_hand.clone());
        match fault {
            Fault::Redirects => UntarError::Redirects { address, limit: REDIRECTS, by_hand }.into(),
            // Somebody who has no network should not have to wait for that sentence.
            Fault::Unreachable(cause) if !self.received => UntarError::Unreachable { address, by_hand, cause }.into(),
            Fault::Unreachable(cause) | Fault::Cut(cause) => Failed { error: self.cut(cause, there), again: true },
        }
    }

    fn status(&self, status: u16, there: u64) -> Failed {
        let Wanted { address, by_hand, .. } = self.wanted;
        let error = UntarError::Status { address: address.clone(), status, by_hand: by_hand.clone() };
        match status {
            // The part is longer than the file, or the answer is to another question.
            206 | 416 if there > 0 => match remove(&self.part) {
                Ok(()) => Failed { error, again: true },
                Err(error) => error.into(),
            },
            408 | 429 | 500..=599 => Failed { error, again: true },
            _ => error.into(),
        }
    }

    fn cut(&self, cause: Box<dyn std::error::Error + Send + Sync>, found: u64) -> UntarError {
        UntarError::Interrupted { address: self.wanted.address.clone(), found, expected: self.expected, cause }
    }

    fn length(&self, found: u64) -> UntarError {
        UntarError::Length { address: self.wanted.address.clone(), found, expected: self.wanted.remote.sizes() }
    }
}

/// How many bytes a file has; 0 if there is none.
fn length(path: &Path) -> Result<u64, FileError> {
    match fs::metadata(path) {
        Ok(facts) => Ok(facts.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::Remove { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// The size of a file in bytes, and its SHA-256.
fn digest(path: &Path) -> Result<(u64, String), FileError> {
    let unread = |source| FileError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unread)?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((size, hex(hash))),
            Ok(read) => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unread(error)),
        }
    }
}
