//! A disk in memory, after ALICE (Pillai et al., OSDI 2014): it logs what happens, and can show what any crash may leave of it.
//!
//! Only what was synced is sure to be there. Of the rest, each operation may have reached the disk or not, whatever happened before or after
//! it, and a write may have reached it in part, or as zeros.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rand::RngExt as _;

use super::disk::{Created, Disk, Held};
use crate::rng::Rng;

/// What happened on the disk. Files have numbers, since their names change.
#[derive(Clone, Debug)]
pub enum Op {
    Create(usize, PathBuf),
    Write(usize, u64, Vec<u8>),
    Sync(usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncFolder(PathBuf),
}

/// How an operation fails.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    NoSpace,
    /// A write ends half-way; other operations fail as with an I/O error.
    Short,
    Io,
}

/// Which operations fail: from a number on, one or all of them.
#[derive(Clone, Copy, Debug)]
pub struct Failing {
    pub from: usize,
    pub all_after: bool,
    pub fault: Fault,
}

#[derive(Clone, Debug, Default)]
pub struct SimDisk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    log: Vec<Op>,
    files: BTreeMap<usize, Vec<u8>>,
    names: BTreeMap<PathBuf, usize>,
    calls: usize,
    failing: Option<Failing>,
    failed: bool,
}

/// What a crash has left: the files by their names.
pub type Left = BTreeMap<PathBuf, Vec<u8>>;

impl SimDisk {
    /// A disk with these files.
    pub fn of(files: &Left) -> Self {
        let disk = Self::default();
        let mut inner = disk.inner();
        for (number, (path, bytes)) in files.iter().enumerate() {
            inner.files.insert(number, bytes.clone());
            inner.names.insert(path.clone(), number);
        }
        drop(inner);
        disk
    }

    /// From now on, counts the calls from 0, and fails these.
    pub fn fail(&self, failing: Option<Failing>) {
        let mut inner = self.inner();
        (inner.failing, inner.calls, inner.failed) = (failing, 0, false);
    }

    /// Whether a call has failed since then.
    pub fn has_failed(&self) -> bool {
        self.inner().failed
    }

    pub fn log(&self) -> Vec<Op> {
        self.inner().log.clone()
    }

    /// The files as a process sees them.
    pub fn files(&self) -> Left {
        let inner = self.inner();
        inner.names.iter().map(|(path, number)| (path.clone(), inner.files[number].clone())).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and returns how it fails, if it does.
    fn call(&self) -> Result<(), (Fault, io::Error)> {
        let mut inner = self.inner();
        let number = inner.calls;
        inner.calls += 1;
        let hit = |it: &Failing| if it.all_after { number >= it.from } else { number == it.from };
        let Some(Failing { fault, .. }) = inner.failing.filter(hit) else { return Ok(()) };
        inner.failed = true;
        let kind = if matches!(fault, Fault::NoSpace) { ErrorKind::StorageFull } else { ErrorKind::Other };
        Err((fault, io::Error::new(kind, "simulated")))
    }

    fn happens(&self) -> io::Result<()> {
        self.call().map_err(|(_, error)| error)
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Created>> {
        self.happens()?;
        let mut inner = self.inner();
        if inner.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let number = inner.files.len();
        inner.files.insert(number, Vec::new());
        inner.names.insert(path.to_owned(), number);
        inner.log.push(Op::Create(number, path.to_owned()));
        Ok(Box::new(SimFile { disk: self.clone(), number }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.happens()?;
        let mut inner = self.inner();
        let number = inner.names.remove(from).ok_or(ErrorKind::NotFound)?;
        inner.names.insert(to.to_owned(), number);
        inner.log.push(Op::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.happens()?;
        self.inner().log.push(Op::SyncFolder(folder.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.happens()?;
        let mut inner = self.inner();
        inner.names.remove(path).ok_or(ErrorKind::NotFound)?;
        inner.log.push(Op::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.happens()?;
        let inner = self.inner();
        let in_folder = inner.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(in_folder.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn open(&self, path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
        self.happens()?;
        let inner = self.inner();
        let bytes = inner.files[inner.names.get(path).ok_or(ErrorKind::NotFound)?].clone();
        let len = bytes.len() as u64;
        Ok((Box::new(Cursor::new(bytes)), len))
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        self.happens()
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Held>>> {
        self.happens()?;
        Ok(Some(Box::new(())))
    }
}

impl Held for () {}

struct SimFile {
    disk: SimDisk,
    number: usize,
}

impl Created for SimFile {
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (bytes, result) = match self.disk.call() {
            Ok(()) => (bytes, Ok(())),
            Err((Fault::Short, error)) => (&bytes[..bytes.len() / 2], Err(error)),
            Err((_, error)) => return Err(error),
        };
        let mut inner = self.disk.inner();
        apply(inner.files.entry(self.number).or_default(), offset, bytes);
        inner.log.push(Op::Write(self.number, offset, bytes.to_vec()));
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.happens()?;
        self.disk.inner().log.push(Op::Sync(self.number));
        Ok(())
    }
}

fn apply(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + bytes.len());
    file.resize(file.len().max(end), 0);
    file[start..end].copy_from_slice(bytes);
}

/// What of an operation has reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    All,
    Nothing,
    Half,
    Zeros,
}

/// Calls `look` with every state that a crash after these operations may leave, and returns how many there were.
pub fn crashes(start: &Left, log: &[Op], mut look: impl FnMut(&Left)) -> usize {
    let choices: Vec<&[Reached]> = (0..log.len()).map(|at| choices(log, at)).collect();
    let states: usize = choices.iter().map(|choices| choices.len()).product();
    for state in 0..states {
        let mut rest = state;
        let reached = choices.iter().map(|choices| {
            let choice = choices[rest % choices.len()];
            rest /= choices.len();
            choice
        });
        look(&left(start, log, reached));
    }
    states
}

/// Calls `look` with some of these states, drawn at random, where there are too many.
pub fn some_crashes(start: &Left, log: &[Op], rng: &mut Rng, states: usize, mut look: impl FnMut(&Left)) {
    for _ in 0..states {
        let reached = (0..log.len()).map(|at| {
            let choices = choices(log, at);
            choices[rng.random_range(0..choices.len())]
        });
        look(&left(start, log, reached));
    }
}

/// What may have become of an operation that was followed by others.
fn choices(log: &[Op], at: usize) -> &'static [Reached] {
    use Reached::{All, Half, Nothing, Zeros};
    let synced = |is: &dyn Fn(&Op) -> bool| log[at..].iter().any(is);
    let in_folder =
        |path: &Path| synced(&|op| matches!(op, Op::SyncFolder(folder) if Some(&**folder) == path.parent()));
    match &log[at] {
        Op::Write(number, ..) if !synced(&|op| matches!(op, Op::Sync(it) if it == number)) => {
            &[All, Nothing, Half, Zeros]
        }
        Op::Create(_, path) | Op::Remove(path) | Op::Rename(_, path) if !in_folder(path) => &[All, Nothing],
        _ => &[All],
    }
}

fn left(start: &Left, log: &[Op], reached: impl Iterator<Item = Reached>) -> Left {
    // A file that stands under a name without having been created there is one that was renamed.
    let mut files: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut durable: BTreeMap<PathBuf, Result<usize, Vec<u8>>> =
        start.iter().map(|(path, bytes)| (path.clone(), Err(bytes.clone()))).collect();
    let mut seen: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (op, reached) in log.iter().zip(reached) {
        let all = reached == Reached::All;
        match op {
            Op::Create(number, path) => {
                files.entry(*number).or_default();
                seen.insert(path.clone(), *number);
                if all {
                    durable.insert(path.clone(), Ok(*number));
                }
            }
            Op::Write(number, offset, bytes) => {
                let file = files.entry(*number).or_default();
                match reached {
                    Reached::All => apply(file, *offset, bytes),
                    Reached::Half => apply(file, *offset, &bytes[..bytes.len() / 2]),
                    Reached::Zeros => apply(file, *offset, &vec![0; bytes.len()]),
                    Reached::Nothing => {}
                }
            }
            Op::Rename(from, to) => {
                let number = seen.remove(from);
                if let Some(number) = number {
                    seen.insert(to.clone(), number);
                    if all {
                        durable.remove(from);
                        durable.insert(to.clone(), Ok(number));
                    }
                }
            }
            Op::Remove(path) => {
                seen.remove(path);
                if all {
                    durable.remove(path);
                }
            }
            Op::Sync(_) | Op::SyncFolder(_) => {}
        }
    }
    let content = |found: Result<usize, Vec<u8>>| found.map_or_else(|bytes| bytes, |number| files[&number].clone());
    durable.into_iter().map(|(path, found)| (path, content(found))).collect()
}
