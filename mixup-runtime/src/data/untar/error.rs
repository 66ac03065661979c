//! Why a data set could not be downloaded or unpacked.

use std::{error::Error, fmt, io, path::PathBuf};

use crate::files::FileError;

/// Why an address or a digest of a data set can't be used.
#[derive(thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// The address is none of a file in the web.
    #[error("`{address}` is not an address: {reason}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The digest is not a SHA-256.
    #[error("`{found}` is not a SHA-256: it must have 64 hexadecimal digits, as `sha256sum FILE` prints them")]
    Digest {
        /// The digest.
        found: String,
    },
}

crate::error::debug_with_sources!(UrlError);

/// Why a data set could not be downloaded or unpacked.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum UntarError {
    /// There is no home folder in which the system keeps caches.
    #[error("this user has no folder for caches: set `MIXUP_DATA` to a folder for data sets")]
    NoFolder,
    /// The mirror has no usable address.
    #[error("the mirror can't be used: {0}")]
    Mirror(#[source] UrlError),
    /// The server can't be reached: there is no network, no such host, or nobody answers.
    #[error("{address} can't be reached: {cause}; {by_hand}")]
    Unreachable {
        /// The address of the file.
        address: String,
        /// Which files can be put where instead.
        by_hand: ByHand,
        /// Why not.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The server has no such file, or does not give it.
    #[error("{address} has the status {status}{}; {by_hand}", meaning(*status))]
    Status {
        /// The address of the file.
        address: String,
        /// The status, such as 404.
        status: u16,
        /// Which files can be put where instead.
        by_hand: ByHand,
    },
    /// The server redirects in a circle, or very often.
    #[error("{address} redirects more than {limit} times; {by_hand}")]
    Redirects {
        /// The address of the file.
        address: String,
        /// How often it may.
        limit: u32,
        /// Which files can be put where instead.
        by_hand: ByHand,
    },
    /// The connection was cut, or nothing came for too long, and trying again did not help.
    #[error("the connection to {address} broke after {found}{} bytes: {cause}; call again to go on from there", of(*expected))]
    Interrupted {
        /// The address of the file.
        address: String,
        /// How many bytes are there, and kept.
        found: u64,
        /// How many bytes the file has, if that is known.
        expected: Option<u64>,
        /// What happened.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The server has a file of another length.
    #[error("the file at {address} has {found} bytes, but {expected} are expected, so it is another file")]
    Length {
        /// The address of the file.
        address: String,
        /// How many bytes it has, at least.
        found: u64,
        /// How many it should have.
        expected: String,
    },
    /// The file that was downloaded is not the expected one.
    #[error("the file at {address} has the SHA-256 {found}, but {expected} is expected, so it was removed again")]
    Digest {
        /// The address of the file.
        address: String,
        /// Its digest.
        found: String,
        /// The digest that it should have.
        expected: String,
    },
    /// A file that somebody put into the folder for downloads is not the expected one. It is left alone.
    #[error(
        "{} has {size} bytes and the SHA-256 {found}, but {expected} is expected: replace it, or remove it so that it is downloaded",
        path.display()
    )]
    Placed {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// Its digest.
        found: String,
        /// The digest that it should have.
        expected: String,
    },
    /// An archive has something that may not be unpacked. Nothing of it is left.
    #[error("{}, was not unpacked: its entry `{entry}` {reason}", path.display())]
    Hostile {
        /// The archive.
        path: PathBuf,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file that should be an archive is none.
    #[error("{} is no archive, although its name says so: neither .tar, nor .tgz, nor .zip", path.display())]
    NoArchive {
        /// The file.
        path: PathBuf,
    },
    /// An archive could not be read, or what is in it could not be written.
    #[error("{} can't be unpacked: {cause}", path.display())]
    Unpack {
        /// The archive.
        path: PathBuf,
        /// The error of the decompressor or of the system.
        #[source]
        cause: io::Error,
    },
    /// A file or a folder can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

crate::error::debug_with_sources!(UntarError);

/// Which files can be put where, where they can't be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The names of the files.
    pub files: Vec<String>,
    /// The folder.
    pub folder: PathBuf,
}

impl fmt::Display for ByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "put {} into {} by hand, and it is used", self.files.join(", "), self.folder.display())
    }
}

/// What a status usually means.
fn meaning(status: u16) -> &'static str {
    match status {
        404 | 410 => ": there is no such file",
        401 | 403 | 407 => ": it may not be read",
        429 => ": too many requests",
        500..=599 => ": the server has a problem",
        _ => "",
    }
}

/// " of 1000", if the number is known.
fn of(expected: Option<u64>) -> String {
    expected.map_or_else(String::new, |bytes| format!(" of {bytes}"))
}
