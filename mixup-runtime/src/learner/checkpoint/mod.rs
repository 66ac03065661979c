//! Checkpoints: a training that is killed goes on from the last one as if nothing had happened.

mod forgotten;
mod form;
mod options;
#[cfg(test)]
mod tests;

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use form::Manifest;
pub use options::Checkpoints;

use super::{Learner, snapshot::Snapshot};
use crate::{
    callback::Callback as _,
    callbacks::Progress,
    files::{Archive, Disk, FileError, FolderLock, RealDisk, list, lock_folder, make_folder, remove_stale},
    training::{BuildError, Error, Next, Phase, Report, World},
};

/// The end of the names of checkpoints.
const ENDING: &str = ".safetensors";

/// A checkpoint that is to be written.
pub(super) struct Due {
    /// The monitored value, if it is the best so far.
    best: Option<f64>,
}

/// Writes the checkpoints of a training.
pub(super) struct Writer {
    options: Checkpoints,
    disk: Box<dyn Disk>,
    /// Whether this process writes: of several that train together, only the first one does.
    writes: bool,
    /// The training in progress.
    session: Option<Session>,
}

/// The checkpoints of the training in progress.
struct Session {
    _lock: FolderLock,
    run: String,
    /// The number of the last one in the folder.
    number: u64,
    /// The files of this training, the oldest first.
    files: Vec<String>,
    best: Option<(String, f64)>,
    /// The one that the training has gone on from.
    from: Option<String>,
    /// How many training batches there were at the last one, and when it was.
    iteration: usize,
    written: Instant,
}

impl Writer {
    pub(super) fn new(options: Checkpoints, world: World) -> Self {
        Self { options, disk: Box::new(RealDisk), writes: world.is_first(), session: None }
    }

    /// Takes the folder for a new training, if this process writes.
    pub(super) fn begin(&mut self) -> Result<(), FileError> {
        if !self.writes {
            return Ok(());
        }
        let (disk, folder) = (&*self.disk, &self.options.folder);
        make_folder(disk, folder)?;
        let lock = lock_folder(disk, folder)?;
        for path in remove_stale(disk, folder, |name| number_of(name).is_some())? {
            tracing::info!("removed `{}`, which an earlier run had not finished", path.display());
        }
        let number = self.numbers()?.last().copied().unwrap_or(0);
        // Not part of the training: it only tells trainings in one folder apart.
        let run = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        self.session = Some(Session {
            _lock: lock,
            run,
            number,
            files: Vec::new(),
            best: None,
            from: None,
            iteration: 0,
            written: Instant::now(),
        });
        Ok(())
    }

    /// Frees the folder.
    pub(super) fn end(&mut self) {
        self.session = None;
    }

    /// The numbers of the checkpoints in the folder, in their order.
    fn numbers(&self) -> Result<Vec<u64>, FileError> {
        let names = match list(&*self.disk, &self.options.folder) {
            // The first process has not made it yet.
            Err(FileError::Folder { source, .. }) if !self.writes && source.kind() == io::ErrorKind::NotFound => {
                Vec::new()
            }
            listed => listed?,
        };
        let mut numbers: Vec<_> = names.iter().filter_map(|name| number_of(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The newest checkpoint that is whole. Those that are not are reported.
    fn newest(&self) -> Result<(PathBuf, Archive, Manifest), Error> {
        let mut skipped = Vec::new();
        for number in self.numbers().map_err(file)?.into_iter().rev() {
            let path = self.options.folder.join(name_of(number));
            match read(&*self.disk, &path) {
                Ok((archive, manifest)) => return Ok((path, archive, manifest)),
                Err(error) => {
                    tracing::warn!("skipped a checkpoint: {error}");
                    skipped.push(error.to_string());
                }
            }
        }
        Err(Error::NoCheckpoint { folder: self.options.folder.clone(), skipped })
    }

    /// Goes on at this number of training batches: the checkpoint there is written already.
    pub(super) fn go_on_at(&mut self, iteration: usize) {
        if let Some(session) = &mut self.session {
            session.iteration = iteration;
        }
    }

    /// Continues the training of this checkpoint.
    fn adopt(&mut self, path: &Path, manifest: &Manifest) {
        if let Some(session) = &mut self.session {
            session.run.clone_from(&manifest.run);
            session.files.clone_from(&manifest.files);
            session.best = manifest.best.as_ref().map(|(name, bits)| (name.clone(), f64::from_bits(*bits)));
            session.from = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        }
    }

    /// Whether a checkpoint is to be written at a point within an epoch.
    fn is_due(&self, iteration: usize) -> bool {
        let Some(session) = &self.session else { return false };
        let of_batches = self.options.batches.is_some_and(|every| iteration / every > session.iteration / every);
        of_batches || self.options.span.is_some_and(|span| session.written.elapsed() >= span)
    }

    /// Whether one is to be written after an epoch.
    fn is_due_after(&self, epoch: usize, epochs: usize, iteration: usize) -> bool {
        let otherwise = (self.options.batches.is_none() && self.options.span.is_none()).then_some(1);
        let every = self.options.epochs.or(otherwise);
        every.is_some_and(|every| epoch.is_multiple_of(every)) || epoch == epochs || self.is_due(iteration)
    }

    /// Writes a checkpoint, and then removes those that are not kept.
    fn write(&mut self, place: form::Place, snapshot: &Snapshot, Due { best }: Due) -> Result<(), Error> {
        let Some(session) = &mut self.session else { return Ok(()) };
        let number = session.number + 1;
        let name = name_of(number);
        let best = best.map(|value| (name.clone(), value)).or_else(|| session.best.clone());
        let manifest = Manifest {
            run: session.run.clone(),
            number,
            files: [&session.files[..], std::slice::from_ref(&name)].concat(),
            best: best.as_ref().map(|(name, value)| (name.clone(), value.to_bits())),
            ..Manifest::new(place)
        };
        let archive = manifest.archive(snapshot).map_err(|source| Error::Resume { source })?;
        archive.write(&*self.disk, &self.options.folder.join(&name)).map_err(file)?;
        session.number = number;
        session.files.push(name);
        session.best = best;
        session.written = Instant::now();
        self.prune();
        Ok(())
    }

    /// Removes the checkpoints of this training that are not to be kept. A file that can't be removed is reported and stays.
    fn prune(&mut self) {
        let Some(session) = &mut self.session else { return };
        let old = session.files.len().saturating_sub(self.options.last);
        let Session { files, best, from, .. } = session;
        let mut at = 0;
        files.retain(|name| {
            at += 1;
            let keep = at > old || best.as_ref().is_some_and(|(best, _)| best == name) || from.as_ref() == Some(name);
            if !keep && let Err(error) = self.disk.remove(&self.options.folder.join(name)) {
                tracing::warn!("the old checkpoint `{name}` can't be removed: {error}");
            }
            keep
        });
    }
}

fn read(disk: &dyn Disk, path: &Path) -> Result<(Archive, Manifest), Error> {
    let archive = Archive::read(disk, path).map_err(file)?;
    let manifest = Manifest::of(&archive);
    let manifest = manifest.map_err(|reason| Error::NotACheckpoint { path: path.to_owned(), reason })?;
    Ok((archive, manifest))
}

fn name_of(number: u64) -> String {
    format!("checkpoint-{number:08}{ENDING}")
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("checkpoint-")?.strip_suffix(ENDING)?;
    (digits.len() >= 8 && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn file(source: FileError) -> Error {
    Error::File { source }
}

impl Learner {
    /// Goes on with the training of the newest checkpoint that is whole, to its end, with the same bits as if it had never
    /// stopped. The learner must be built as the one that has written it, with the same
    /// [`checkpoints`](super::LearnerBuilder::checkpoints).
    ///
    /// Everything is checked before the learner is changed. Checkpoints that are not whole are skipped, with a warning through
    /// `tracing`. On the CPU the bits are the same; on a GPU the state is, and the bits where two whole runs have the same. Two
    /// learners that train at the same time in one process share libtorch's generator, so their dropout is not the same.
    ///
    /// A training that was finished trains no more. It is brought to its end as it was: `on_train_begin` and `on_train_end` run,
    /// the report has all its rows, and a warning says so. So a program that was killed after the last epoch ends as it would
    /// have. A training that a callback has stopped is stopped there again. [`resume_to`](Self::resume_to) trains for more
    /// epochs.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`], [`Error::OtherLearner`] and [`Error::Resume`] if something does not fit this learner, and those
    /// of [`fit`](Self::fit).
    pub fn resume(&mut self) -> Result<Report, Error> {
        self.resume_with(None, None)
    }

    /// As [`resume`](Self::resume), from a checkpoint of your choice.
    ///
    /// # Errors
    /// As for [`resume`](Self::resume), and a [`FileError`] if the file is not whole or no checkpoint.
    pub fn resume_from(&mut self, path: impl AsRef<Path>) -> Result<Report, Error> {
        self.resume_with(Some(path.as_ref()), None)
    }

    /// As [`resume`](Self::resume), to another number of epochs in all: more than the training had, to go on with one that was
    /// finished.
    ///
    /// # Errors
    /// As for [`resume`](Self::resume), and [`Error::NothingLeft`] if more epochs than that are finished.
    pub fn resume_to(&mut self, epochs: usize) -> Result<Report, Error> {
        self.resume_with(None, Some(epochs))
    }

    fn resume_with(&mut self, path: Option<&Path>, epochs: Option<usize>) -> Result<Report, Error> {
        self.with_points(|learner| {
            let Some(writer) = &mut learner.points.writer else { return Err(Error::NoCheckpoints) };
            writer.begin().map_err(file)?;
            let (path, archive, manifest) = match path {
                None => writer.newest()?,
                Some(path) => {
                    let (archive, manifest) = read(&*writer.disk, path)?;
                    (path.to_owned(), archive, manifest)
                }
            };
            learner.resume_archive(&path, archive, &manifest, epochs)
        })
    }

    fn resume_archive(
        &mut self,
        path: &Path,
        archive: Archive,
        manifest: &Manifest,
        epochs: Option<usize>,
    ) -> Result<Report, Error> {
        let place = &manifest.place;
        let (finished, epochs) = (place.finished, epochs.unwrap_or(place.epochs));
        if finished > epochs {
            return Err(Error::NothingLeft { path: path.to_owned(), finished, epochs });
        }
        let (saved, now) = (&place.learner, self.facts());
        if let Some((what, saved, now)) = saved.differs(&now) {
            return Err(Error::OtherLearner { path: path.to_owned(), what, saved, now });
        }
        let not_one = |reason| Error::NotACheckpoint { path: path.to_owned(), reason };
        let snapshot = manifest.snapshot(&archive).map_err(not_one)?;
        drop(archive); // only the snapshot has its memory now, and is dropped once the training goes on
        if let Some(writer) = &mut self.points.writer {
            writer.adopt(path, manifest);
        }
        if saved.callbacks != now.callbacks {
            let [saved, now] = [&saved.callbacks, &now.callbacks].map(|names| names.join(", "));
            tracing::warn!(
                "`{}` is of a training with the callbacks {saved}; here: {now}. The bits are the same only if the difference changes nothing",
                path.display()
            );
        }
        if finished == epochs {
            tracing::warn!(
                "`{}` is from the end of a training of {epochs} epochs: nothing is left to train; to go on, ask for more with `resume_to(…)`",
                path.display()
            );
        }
        self.resume_cycle(snapshot, epochs)
    }

    /// What must be the same when a training goes on. Settings that a checkpoint has, such as rates, are not among it.
    fn facts(&self) -> form::Facts {
        let state = &self.state;
        let metrics: Vec<_> = self.metrics.iter().map(|(name, _)| name.as_str()).collect();
        form::Facts {
            processes: state.world.size(),
            data: format!("{}, in batches of {}", state.data, state.data.train().batch_size()),
            classes: state.data.classes().join(", "),
            model: state.model.type_name(),
            optimizer: state.opt.type_name(),
            loss: self.callbacks.own().map_or(&state.loss_func, |(loss, _)| loss).name(),
            metrics: metrics.join(", "),
            callbacks: self.callbacks.names().filter(|name| *name != Progress::NAME).map(str::to_owned).collect(),
        }
    }

    /// Takes the folder of the checkpoints for a new training.
    pub(super) fn begin_checkpoints(&mut self) -> Result<(), Error> {
        self.points.writer.as_mut().map_or(Ok(()), Writer::begin).map_err(file)
    }

    /// Whether a checkpoint is to be written here.
    pub(super) fn checkpoint_due(&self, next: Next) -> Option<Due> {
        let writer = self.points.writer.as_ref().filter(|writer| writer.session.is_some())?;
        let due = match next.phase {
            Phase::Epochs => writer.is_due_after(next.epoch, self.state.epochs, self.state.iteration),
            // The next batch is the first to notice an interrupt.
            _ => writer.is_due(self.state.iteration) || writer.options.on_interrupt && self.is_interrupted(),
        };
        let best = self.better(next);
        (due || best.is_some()).then_some(Due { best })
    }

    /// The monitored value, if an epoch has just ended with the best one.
    fn better(&self, next: Next) -> Option<f64> {
        let writer = self.points.writer.as_ref().filter(|_| next.phase == Phase::Epochs)?;
        let value = self.callbacks.board().get(writer.options.best.as_ref()?)?;
        let now = value.mean().ok().flatten().filter(|now| !now.is_nan())?;
        let less = value.less_is_better().unwrap_or(false);
        let best = writer.session.as_ref()?.best.as_ref().map(|(_, best)| *best);
        best.is_none_or(|best| if less { now < best } else { now > best }).then_some(now)
    }

    /// Writes a checkpoint.
    pub(super) fn write_checkpoint(&mut self, next: Next, snapshot: &Snapshot, due: Due) -> Result<(), Error> {
        let (at, epochs, finished) = (next.to_string(), self.state.epochs, next.epoch);
        let (device, threads) = (format!("{:?}", self.state.device), tch::get_num_threads());
        let place = form::Place { at, epochs, finished, device, threads, learner: self.facts() };
        let Some(writer) = &mut self.points.writer else { return Ok(()) };
        writer.go_on_at(self.state.iteration); // also if it fails: the next one is tried when it is due
        match writer.write(place, snapshot, due) {
            Err(error) if !writer.options.must_succeed => {
                tracing::error!("a checkpoint could not be written, and the training goes on: {error}");
                Ok(())
            }
            written => written,
        }
    }

    /// Checks that a monitored value exists.
    pub(super) fn check_checkpoints(&self) -> Result<(), BuildError> {
        let best = self.points.writer.as_ref().and_then(|writer| writer.options.best.as_ref());
        match best {
            Some(name) if self.callbacks.board().get(name).is_none() => {
                Err(BuildError::NoBest { name: name.clone(), known: self.callbacks.board().names() })
            }
            _ => Ok(()),
        }
    }
}
