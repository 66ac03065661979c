//! Downloads data sets into a folder for caches, once, and unpacks them.
//!
//! `url` has the addresses, with sizes and digests. `fetch` gets one file, through `http`: what is there is used, what was cut goes on, and nothing
//! that has another digest stays. `unpack` unpacks an archive next to its goal, and `durable` waits until that is on the disk. The goal itself appears by
//! one rename when everything is there, so a folder that exists is complete, also after a loss of power.

mod durable;
mod error;
mod fetch;
mod http;
mod unpack;
mod url;

use std::{
    borrow::Borrow,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use directories::ProjectDirs;

use self::{durable::make_durable, fetch::Wanted, http::Http, unpack::unpack, url::Remote};
pub use self::{
    error::{ByHand, UntarError, UrlError},
    url::Url,
};
use crate::files::{Disk as _, FileError, Held, RealDisk, make_folder};

/// The variable with the folder for data sets.
const FOLDER: &str = "MIXUP_DATA";

/// The variable with the address of a mirror.
const MIRROR: &str = "MIXUP_MIRROR";

/// The folder, among the data sets, for what is downloaded.
const DOWNLOADS: &str = "downloads";

/// Downloads and unpacks a data set, and returns the folder that it is in. If it is there already, that is all.
///
/// ```no_run
/// use mixup::prelude::*;
///
/// # fn main() -> Result<(), BoxError> {
/// let data = ImageData::from_folder(untar_data(Url::MNIST_SAMPLE)?)?.build()?;
/// # Ok(())
/// # }
/// ```
///
/// | variable | what it is |
/// |---|---|
/// | `MIXUP_DATA` | the folder for data sets; without it, `mixup/data` where the system keeps caches: in `~/.cache` on Linux |
/// | `MIXUP_MIRROR` | the address of a mirror, which replaces everything before the name of a file: with `https://data.example.org/mirror`, `mnist_sample.tgz` comes from `https://data.example.org/mirror/mnist_sample.tgz` |
///
/// The files stay in `downloads`, in the folder for data sets. A file that somebody has put there by hand is used, and one that was downloaded in
/// part goes on where it was cut. Each must have the size and the SHA-256 that the [`Url`] says. Only then is it unpacked; archives with links, or with
/// paths that lead out of their folder, are refused. If several processes want the same data set, one downloads it and the others wait.
///
/// [`Downloads`] has the same with settings.
///
/// # Errors
/// [`UntarError`] says what is wrong: with the network, the server, the file, the archive or the disk. Where the network is the problem, it says which
/// file to put where by hand.
pub fn untar_data(url: impl Borrow<Url>) -> Result<PathBuf, UntarError> {
    Downloads::default().untar(url)
}

/// How and where data sets are downloaded; [`untar_data`] does it with the defaults.
///
/// ```no_run
/// use std::time::Duration;
/// use mixup::data::{Downloads, UntarError, Url};
///
/// let cifar = Downloads::in_dir("data").mirror("http://10.0.0.7:8000").timeout(Duration::from_secs(5)).untar(Url::CIFAR)?;
/// assert_eq!(cifar, std::path::Path::new("data/cifar10"));
/// # Ok::<(), UntarError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Downloads {
    folder: Option<PathBuf>,
    mirror: Option<String>,
    timeout: Duration,
}

impl Default for Downloads {
    fn default() -> Self {
        Self { folder: None, mirror: None, timeout: Duration::from_secs(30) }
    }
}

impl Downloads {
    /// Puts data sets into this folder, whatever `MIXUP_DATA` says. It is created if it does not exist.
    pub fn in_dir(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..Self::default() }
    }

    /// Downloads from this mirror, whatever `MIXUP_MIRROR` says.
    #[must_use]
    pub fn mirror(mut self, address: impl Into<String>) -> Self {
        self.mirror = Some(address.into());
        self
    }

    /// How long to wait for a connection, and then for each answer or its next bytes; 30 seconds if nothing is said. There is no limit for the whole of
    /// a download.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// As [`untar_data`], with these settings.
    ///
    /// # Errors
    /// As for [`untar_data`].
    pub fn untar(&self, url: impl Borrow<Url>) -> Result<PathBuf, UntarError> {
        let url = url.borrow();
        let folder = self.folder()?;
        let goal = folder.join(url.name());
        if goal.is_dir() {
            return Ok(goal);
        }
        let downloads = folder.join(DOWNLOADS);
        let here = downloads.join(url.name());
        make_folder(&RealDisk, &here)?;
        let _lock = wait_for_lock(&downloads.join(format!("{}.lock", url.name())), url.name())?;
        if goal.is_dir() {
            return Ok(goal); // another process was faster
        }
        self.get(url, &here)?;
        let content = unpacked(url, &here)?;
        fs::rename(content, &goal).map_err(|source| FileError::Write { path: goal.clone(), source })?;
        RealDisk.sync_folder(&folder).map_err(|source| FileError::NotDurable { path: goal.clone(), source })?;
        // Empty by now, or with the name of the archive's own top.
        let _ = fs::remove_dir_all(here.join(UNPACKED));
        Ok(goal)
    }

    /// Gets all files into the folder `here`.
    fn get(&self, url: &Url, here: &Path) -> Result<(), UntarError> {
        let http = Http::new(self.timeout);
        let mirror = self.checked_mirror()?;
        let missing = |remote: &&Remote| !here.join(remote.name()).is_file();
        let by_hand =
            || ByHand { files: url.files.iter().filter(missing).map(Remote::name).collect(), folder: here.to_owned() };
        for remote in &*url.files {
            let name = remote.name();
            let address = match &mirror {
                Some(mirror) => format!("{}/{name}", mirror.trim_end_matches('/')),
                None => remote.address.to_string(),
            };
            Wanted { http: &http, remote, address, path: here.join(name), by_hand: by_hand() }.get()?;
        }
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf, UntarError> {
        if let Some(folder) = self.folder.clone().or_else(|| variable(FOLDER).map(PathBuf::from)) {
            return Ok(folder);
        }
        let dirs = ProjectDirs::from("", "", "mixup").ok_or(UntarError::NoFolder)?;
        Ok(dirs.cache_dir().join("data"))
    }

    fn checked_mirror(&self) -> Result<Option<String>, UntarError> {
        let mirror = self.mirror.clone().or_else(|| variable(MIRROR).map(|value| value.to_string_lossy().into_owned()));
        mirror.map(|mirror| url::check(&mirror).map(|()| mirror)).transpose().map_err(UntarError::Mirror)
    }
}

/// The value of a variable that is set and not empty.
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder, next to the files of a data set, in which they are unpacked.
const UNPACKED: &str = "unpacked";

/// Unpacks the archives in `here`, and puts other files beside them. Returns the folder with everything, which is durable. Nothing is left if this fails.
fn unpacked(url: &Url, here: &Path) -> Result<PathBuf, UntarError> {
    let into = here.join(UNPACKED);
    let made = unpack_into(url, here, &into);
    if made.is_err() {
        // What failed is worth telling; a folder that stays is removed by the next call.
        let _ = fs::remove_dir_all(&into);
    }
    made
}

fn unpack_into(url: &Url, here: &Path, into: &Path) -> Result<PathBuf, UntarError> {
    // A process that was killed may have left some of it.
    match fs::remove_dir_all(into) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(FileError::Remove { path: into.to_owned(), source }.into());
        }
        _ => make_folder(&RealDisk, into)?,
    }
    let mut content = into.to_owned();
    for remote in &*url.files {
        let file = here.join(remote.name());
        if remote.is_archive() {
            content = unpack(&file, into)?;
        } else {
            let copy = into.join(remote.name());
            let made = fs::hard_link(&file, &copy).or_else(|_| fs::copy(&file, &copy).map(drop));
            made.map_err(|source| FileError::Write { path: copy, source })?;
        }
    }
    make_durable(&content)?;
    Ok(content)
}

/// Takes the lock of a data set, and waits for whoever has it.
fn wait_for_lock(path: &Path, name: &str) -> Result<Box<dyn Held>, UntarError> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        let held = RealDisk.lock(path);
        if let Some(held) = held.map_err(|source| FileError::Write { path: path.to_owned(), source })? {
            return Ok(held);
        }
        if !told && begun.elapsed() > Duration::from_secs(2) {
            told = true;
            // A closed stderr is not a reason to stop.
            let _ = writeln!(io::stderr(), "waiting for another process, which downloads {name} …");
        }
        thread::sleep(Duration::from_millis(50));
    }
}
