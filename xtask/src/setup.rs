//! Makes `.libtorch/` if there is no libtorch yet.
//!
//! All files are written to a folder next to it, which is renamed in the last step, so `.libtorch/` is either complete or
//! absent. A lock keeps set-ups apart. The system releases it when its holder dies, however that happens; whatever a dead
//! set-up has left then belongs to nobody and is removed.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    error::Error,
    fetch::Fetcher,
    libtorch::{self, FOLDER, Found, Libtorch, Origin},
    machine::{Machine, Platform},
    wheel::{self, Part, Source},
};

/// The prefix of folders with unfinished work. Git ignores them.
const PARTIAL: &str = ".libtorch.partial-";
const LOCK: &str = ".libtorch.lock";
/// How often a waiting set-up checks whether the other one is done.
const CHECK: Duration = Duration::from_millis(200);

/// A libtorch that is ready for use.
#[derive(Debug)]
pub struct Ready {
    /// The libtorch.
    pub libtorch: Libtorch,
    /// Whether this call made it.
    made: bool,
}

impl Ready {
    /// The result of a set-up, in one sentence.
    pub fn sentence(&self) -> String {
        let version = &self.libtorch.version;
        match &self.libtorch.origin {
            Origin::Own if self.made => format!(
                "libtorch {version} is ready in {FOLDER}. Next: `cargo xtask demo`; the first build takes a few minutes, because \
                 torch-sys compiles its C++ code"
            ),
            Origin::Own => format!("libtorch {version} already exists in {FOLDER}: nothing to do"),
            Origin::Given(folder) => {
                format!("libtorch {version} already exists in {} (LIBTORCH): nothing to do", folder.display())
            }
            Origin::PyTorch(python) => format!(
                "libtorch {version} already exists in the PyTorch of {} (LIBTORCH_USE_PYTORCH): nothing to do",
                python.display()
            ),
        }
    }
}

/// Finds libtorch or makes it. `force` replaces `.libtorch/` even if it is complete.
///
/// # Errors
///
/// See [`Error`].
pub fn ensure(machine: &Machine, force: bool) -> Result<Ready, Error> {
    libtorch::compiler(machine)?;
    if let Some(libtorch) = usable(machine, force)? {
        tidy(machine)?;
        return Ok(Ready { libtorch, made: false });
    }
    if machine.platform != Platform::LINUX {
        return Err(Error::Platform { os: machine.platform.os, arch: machine.platform.arch });
    }
    let _lock = locked(machine)?;
    // Another set-up may have made it in the meantime.
    if let Some(libtorch) = usable(machine, force)? {
        return Ok(Ready { libtorch, made: false });
    }
    clean(machine, &stale(machine)?)?;
    let libtorch = make(machine)?;
    Ok(Ready { libtorch, made: true })
}

/// The libtorch that exists already, unless it must be made or replaced.
fn usable(machine: &Machine, force: bool) -> Result<Option<Libtorch>, Error> {
    match libtorch::find(machine)? {
        Found::Ready(libtorch) => match libtorch.origin.variable() {
            Some(variable) if force => Err(Error::UselessForce { variable }),
            None if force => Ok(None),
            _ => Ok(Some(libtorch)),
        },
        Found::Nothing | Found::Unfit(_) => Ok(None),
    }
}

/// Waits for the lock.
fn locked(machine: &Machine) -> Result<File, Error> {
    let place = machine.root.join(LOCK);
    let file = File::create(&place).map_err(Error::io("create", &place))?;
    let mut announced = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &place)(error)),
            Err(TryLockError::WouldBlock) => {
                if !announced {
                    machine.console.line("waiting for another `cargo xtask` that is setting up libtorch here …");
                    announced = true;
                }
                machine.go_on()?;
                thread::sleep(CHECK);
            }
        }
    }
}

/// The folders of set-ups that died or are still running.
fn stale(machine: &Machine) -> Result<Vec<PathBuf>, Error> {
    let root = &machine.root;
    let mut folders = Vec::new();
    for entry in fs::read_dir(root).map_err(Error::io("list", root))? {
        let entry = entry.map_err(Error::io("list", root))?;
        if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// Removes what dead set-ups have left. The caller holds the lock, so no set-up is running.
fn clean(machine: &Machine, folders: &[PathBuf]) -> Result<(), Error> {
    for folder in folders {
        machine.console.line(&format!("removing the remains of an interrupted set-up: {}", folder.display()));
        remove(folder).map_err(Error::io("remove", folder))?;
    }
    Ok(())
}

/// The same when nothing needs to be made: otherwise the remains of a dead `setup --force` would stay forever.
fn tidy(machine: &Machine) -> Result<(), Error> {
    if stale(machine)?.is_empty() {
        return Ok(());
    }
    let place = machine.root.join(LOCK);
    let lock = File::create(&place).map_err(Error::io("create", &place))?;
    // If the lock stays taken, a set-up is running. A child process that another thread is starting holds it for a moment only.
    for _ in 0..5 {
        if lock.try_lock().is_ok() {
            return clean(machine, &stale(machine)?);
        }
        thread::sleep(CHECK);
    }
    Ok(())
}

/// Makes `.libtorch/`. The caller holds the lock.
fn make(machine: &Machine) -> Result<Libtorch, Error> {
    let root = &machine.root;
    match libtorch::find(machine)? {
        Found::Ready(_) => machine.console.line(&format!("replacing {FOLDER}")),
        Found::Unfit(problem) => machine.console.line(&format!("{FOLDER} is unusable ({problem}): replacing it")),
        Found::Nothing => machine.console.line(&format!("no libtorch yet: making {FOLDER} from PyTorch's wheel")),
    }
    let fetcher = Fetcher::find(machine)?;
    if let Some(free) = (machine.free)(root).filter(|free| *free < fetcher.disk()) {
        return Err(Error::LittleDisk { needed: fetcher.disk(), free, place: root.clone() });
    }
    let work =
        tempfile::Builder::new().prefix(PARTIAL).tempdir_in(root).map_err(Error::io("create a folder in", root))?;
    let new = work.path().join("libtorch");
    fill(machine, &fetcher, work.path(), &new)?;
    libtorch::whole(&new).map_err(|problem| Error::Unusable { problem })?;
    machine.go_on()?;
    put_in_place(machine, &new, work)?;
    match libtorch::find(machine)? {
        Found::Ready(libtorch) => Ok(libtorch),
        Found::Nothing => Err(Error::Unusable { problem: "it has disappeared".to_owned() }),
        Found::Unfit(problem) => Err(Error::Unusable { problem }),
    }
}

/// Downloads the wheels and extracts libtorch from them.
fn fill(machine: &Machine, fetcher: &Fetcher, work: &Path, new: &Path) -> Result<(), Error> {
    let mut torch = fetched(machine, fetcher, &wheel::TORCH, &work.join("torch"))?;
    let version = wheel::version(&mut torch)?;
    wheel::extract(machine, &wheel::TORCH, &mut torch, new)?;
    // A private index may offer builds without CUDA.
    if !version.ends_with("+cpu") {
        for (number, part) in wheel::CUDA.iter().enumerate() {
            let mut source = fetched(machine, fetcher, part, &work.join(format!("cuda-{number}")))?;
            wheel::extract(machine, part, &mut source, new)?;
        }
    }
    wheel::complete(new, &version)
}

fn fetched(machine: &Machine, fetcher: &Fetcher, part: &Part, work: &Path) -> Result<Source, Error> {
    Source::open(&fetcher.fetch(machine, part, work)?)
}

/// The last step: moves an old `.libtorch` into the work folder, which is removed afterwards, and puts the new one in place.
fn put_in_place(machine: &Machine, new: &Path, work: TempDir) -> Result<(), Error> {
    let place = machine.root.join(FOLDER);
    let aside = work.path().join("old");
    match fs::rename(&place, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("move aside", &place)(error)),
        _ => {}
    }
    fs::rename(new, &place).map_err(|error| {
        // Restores the old one, if there was one.
        let _ = fs::rename(&aside, &place);
        Error::io("put into place", &place)(error)
    })?;
    let left: PathBuf = work.keep();
    remove(&left).map_err(Error::io("remove", &left))
}

/// Removes a folder, a file, or a link (but not its target).
fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
