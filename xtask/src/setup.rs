//! Makes `.libtorch/`, if there is no libtorch yet.
//!
//! All is made in a folder beside it and renamed as the last step, so `.libtorch/` is either whole or not there. A lock
//! keeps two set-ups apart; the system lets go of it when its holder dies, however that happens, and what a dead
//! set-up left is then known as nobody's and cleaned away.

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

/// Unfinished work lies in folders that begin so; git ignores them.
const PARTIAL: &str = ".libtorch.partial-";
const LOCK: &str = ".libtorch.lock";
/// How often a set-up that waits for another looks whether that one is done.
const LOOK: Duration = Duration::from_millis(200);

/// A libtorch that is ready, and whether this call made it.
#[derive(Debug)]
pub struct Ready {
    /// Which.
    pub libtorch: Libtorch,
    made: bool,
}

impl Ready {
    /// What there is now, in a line.
    pub fn sentence(&self) -> String {
        let version = &self.libtorch.version;
        match &self.libtorch.origin {
            Origin::Own if self.made => format!(
                "libtorch {version} is ready in {FOLDER}. Next: `cargo xtask demo`; the first build takes some minutes, \
                 since torch-sys compiles its C++ side"
            ),
            Origin::Own => format!("libtorch {version} is there already, in {FOLDER}: nothing to do"),
            Origin::Given(folder) => {
                format!("libtorch {version} is there already, by LIBTORCH, in {}: nothing to do", folder.display())
            }
            Origin::PyTorch(python) => format!(
                "libtorch {version} is there already, by LIBTORCH_USE_PYTORCH, in the PyTorch of {}: nothing to do",
                python.display()
            ),
        }
    }
}

/// Finds libtorch, or makes it; with `force` it makes `.libtorch/` anew even if it is whole.
///
/// # Errors
///
/// See [`Error`]: each is a sentence with the remedy.
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
    // Another set-up may have made it while this one waited.
    if let Some(libtorch) = usable(machine, force)? {
        return Ok(Ready { libtorch, made: false });
    }
    clean(machine, &stale(machine)?)?;
    let libtorch = make(machine)?;
    Ok(Ready { libtorch, made: true })
}

/// A libtorch that need not be made.
fn usable(machine: &Machine, force: bool) -> Result<Option<Libtorch>, Error> {
    match libtorch::find(machine)? {
        Found::Ready(libtorch) => match libtorch.origin.variable() {
            Some(variable) if force => Err(Error::ForcedInVain { variable }),
            None if force => Ok(None),
            _ => Ok(Some(libtorch)),
        },
        Found::Nothing | Found::Unfit(_) => Ok(None),
    }
}

/// The lock, once no other set-up is at work.
fn locked(machine: &Machine) -> Result<File, Error> {
    let place = machine.root.join(LOCK);
    let file = File::create(&place).map_err(Error::io("create", &place))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &place)(error)),
            Err(TryLockError::WouldBlock) => {
                if !told {
                    machine.console.line("another `cargo xtask` is setting libtorch up here: waiting for it …");
                    told = true;
                }
                machine.go_on()?;
                thread::sleep(LOOK);
            }
        }
    }
}

/// The folders of set-ups that are not done: they died, or are at work.
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

/// Removes what set-ups that died have left. Whoever holds the lock knows that nobody works there.
fn clean(machine: &Machine, folders: &[PathBuf]) -> Result<(), Error> {
    for folder in folders {
        machine.console.line(&format!("cleaning up after an interrupted set-up: {}", folder.display()));
        remove(folder).map_err(Error::io("remove", folder))?;
    }
    Ok(())
}

/// The same where nothing is to be made: what a dead `setup --force` left would lie there for ever.
fn tidy(machine: &Machine) -> Result<(), Error> {
    if stale(machine)?.is_empty() {
        return Ok(());
    }
    let place = machine.root.join(LOCK);
    let lock = File::create(&place).map_err(Error::io("create", &place))?;
    // Where the lock stays taken, a set-up is at work. A process that another thread is just starting has it for a moment only.
    for _ in 0..5 {
        if lock.try_lock().is_ok() {
            return clean(machine, &stale(machine)?);
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// Makes `.libtorch/`; the caller holds the lock.
fn make(machine: &Machine) -> Result<Libtorch, Error> {
    let root = &machine.root;
    match libtorch::find(machine)? {
        Found::Ready(_) => machine.console.line(&format!("making {FOLDER} anew")),
        Found::Unfit(problem) => machine.console.line(&format!("{FOLDER} is of no use, {problem}: making it anew")),
        Found::Nothing => machine.console.line(&format!("no libtorch yet: making {FOLDER} out of PyTorch's wheel")),
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
        Found::Nothing => Err(Error::Unusable { problem: format!("{FOLDER} is gone again") }),
        Found::Unfit(problem) => Err(Error::Unusable { problem }),
    }
}

/// Fetches the parts and takes out of them what makes libtorch.
fn fill(machine: &Machine, fetcher: &Fetcher, work: &Path, new: &Path) -> Result<(), Error> {
    let mut torch = fetched(machine, fetcher, &wheel::TORCH, &work.join("torch"))?;
    let version = wheel::version(&mut torch)?;
    wheel::take(machine, &wheel::TORCH, &mut torch, new)?;
    // An index of one's own may hold builds that know nothing of CUDA.
    if !version.ends_with("+cpu") {
        for (number, part) in wheel::CUDA.iter().enumerate() {
            let mut source = fetched(machine, fetcher, part, &work.join(format!("cuda-{number}")))?;
            wheel::take(machine, part, &mut source, new)?;
        }
    }
    wheel::complete(new, &version)
}

fn fetched(machine: &Machine, fetcher: &Fetcher, part: &Part, work: &Path) -> Result<Source, Error> {
    Source::open(&fetcher.fetch(machine, part, work)?)
}

/// The last step. An old `.libtorch` steps aside into the folder that is removed afterwards.
fn put_in_place(machine: &Machine, new: &Path, work: TempDir) -> Result<(), Error> {
    let place = machine.root.join(FOLDER);
    let aside = work.path().join("old");
    match fs::rename(&place, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io("move aside", &place)(error)),
        _ => {}
    }
    fs::rename(new, &place).map_err(|error| {
        // Back with the old one, if there was one: better than none.
        let _ = fs::rename(&aside, &place);
        Error::io("put into place", &place)(error)
    })?;
    let left: PathBuf = work.keep();
    remove(&left).map_err(Error::io("remove", &left))
}

/// Removes a folder, or a file, or a link and not what it leads to.
fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
