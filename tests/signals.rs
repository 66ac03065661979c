//! SIGINT and SIGTERM from another process, as those of a terminal and of a cluster: the training ends with a checkpoint, a second signal ends the
//! process at once, and a learner that does not handle signals leaves them to the program. Each case is a real process.
#![cfg(unix)]
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use std::{
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mixup::{learner::LearnerBuilder, prelude::*};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use support::{Linear, data, on, process};

/// The variable that has the folder of the process.
const FOLDER: &str = "MIXUP_SIGNALS_FOLDER";

/// How long a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(60);

fn folder() -> PathBuf {
    env::var_os(FOLDER).expect("the parent sets it").into()
}

fn wait_for(what: &str, until: impl Fn() -> bool) {
    let began = Instant::now();
    while !until() {
        assert!(began.elapsed() < PATIENCE, "{what} did not happen");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A process that runs a test of this file, and the folder that it has.
struct Process {
    folder: tempfile::TempDir,
    child: Child,
}

impl Process {
    fn start(test: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = process::own(test);
        let child = command.env(FOLDER, folder.path()).stdout(Stdio::null()).spawn().expect("it starts");
        Self { folder, child }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn wait_for_file(&self, name: &str) {
        wait_for(name, || self.path(name).exists());
    }

    fn signal(&self, signal: i32) {
        let status = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status();
        assert!(status.expect("it is everywhere").success());
    }

    fn end(mut self) -> (ExitStatus, tempfile::TempDir) {
        (self.child.wait().expect("it ends"), self.folder)
    }
}

/// Says in which training batch the training is, by a file.
struct Begun(PathBuf);

#[callback]
impl Begun {
    #[on(batch_begin, train, if = iteration == 3)]
    fn say(&self) -> std::io::Result<()> {
        fs::write(self.0.join("begun"), "")
    }
}

/// Never ends a batch.
struct Hang(bool);

#[callback]
impl Hang {
    #[on(batch_end, train, if = iteration == 3)]
    fn hang(&self) {
        if self.0 {
            thread::sleep(Duration::MAX);
        }
    }
}

/// A training that goes on for ever.
fn learner(folder: &Path, hangs: bool) -> LearnerBuilder<Linear> {
    let rarely = Checkpoints::in_dir(folder.join("checkpoints")).every_epochs(usize::MAX);
    on(data(16, 7)).callback(Begun(folder.to_owned())).callback(Hang(hangs)).checkpoints(rarely)
}

/// Trains in a process of its own, and writes down how it ended.
fn train(mut learn: Learner) {
    let ended = match learn.fit(usize::MAX, 1e-3) {
        Ok(report) => report.outcome.to_string(),
        Err(error) => error.to_string(),
    };
    fs::write(folder().join("ended"), ended).expect("it can be written");
}

fn checkpoints(folder: &Path) -> usize {
    let names = fs::read_dir(folder.join("checkpoints")).expect("it was created").flatten();
    names.filter(|entry| entry.file_name().to_string_lossy().starts_with("checkpoint-")).count()
}

#[test]
fn a_signal_ends_the_training_after_its_batch_with_a_checkpoint() {
    const NAME: &str = "a_signal_ends_the_training_after_its_batch_with_a_checkpoint";
    if process::is_own() {
        return train(learner(&folder(), false).build().expect("nothing is wrong with it"));
    }
    for signal in [SIGTERM, SIGINT] {
        let process = Process::start(NAME);
        process.wait_for_file("begun");
        process.signal(signal);
        let (status, folder) = process.end();
        assert!(status.success(), "{status}");
        let ended = fs::read_to_string(folder.path().join("ended")).expect("it was written");
        assert!(ended.starts_with("interrupted, epoch "), "{ended}");
        assert_eq!(checkpoints(folder.path()), 1);
        // Another process goes on from there, to an end this time.
        let mut again =
            learner(folder.path(), false).callback(StopAfter::time(Duration::ZERO)).build().expect("it fits");
        let report = again.resume().expect("there is a checkpoint");
        assert!(matches!(report.outcome, Outcome::Stopped { .. }), "{}", report.outcome);
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    const NAME: &str = "a_second_signal_ends_the_process_at_once";
    if process::is_own() {
        return train(learner(&folder(), true).build().expect("nothing is wrong with it"));
    }
    for (first, second) in [(SIGTERM, SIGTERM), (SIGTERM, SIGINT), (SIGINT, SIGTERM)] {
        let mut process = Process::start(NAME);
        process.wait_for_file("begun");
        process.signal(first);
        thread::sleep(Duration::from_millis(100));
        assert!(process.child.try_wait().expect("it was started").is_none(), "the batch goes on after the first one");
        process.signal(second);
        let (status, folder) = process.end();
        assert_eq!(status.signal(), Some(second));
        assert!(!folder.path().join("ended").exists());
    }
}

#[test]
fn a_learner_that_does_not_handle_signals_leaves_them_as_they_are() {
    const NAME: &str = "a_learner_that_does_not_handle_signals_leaves_them_as_they_are";
    if process::is_own() {
        return train(learner(&folder(), false).handle_signals(false).build().expect("nothing is wrong with it"));
    }
    for signal in [SIGTERM, SIGINT] {
        let process = Process::start(NAME);
        process.wait_for_file("begun");
        process.signal(signal);
        let (status, folder) = process.end();
        assert_eq!(status.signal(), Some(signal), "the process ends as any other does");
        assert_eq!(checkpoints(folder.path()), 0);
    }
}

#[test]
fn a_program_that_handles_signals_itself_ends_a_run_by_the_handle() {
    const NAME: &str = "a_program_that_handles_signals_itself_ends_a_run_by_the_handle";
    if process::is_own() {
        let told = Arc::new(AtomicBool::new(false));
        flag::register(SIGTERM, Arc::clone(&told)).expect("a signal that may be caught");
        let learn = learner(&folder(), false).handle_signals(false).build().expect("nothing is wrong with it");
        let interrupt = learn.interrupt_handle();
        thread::spawn(move || {
            wait_for("the signal", || told.load(Ordering::Relaxed));
            fs::write(folder().join("told"), "").expect("it can be written");
            thread::sleep(Duration::from_millis(100)); // the signal alone does not end the run
            interrupt.interrupt();
        });
        return train(learn);
    }
    let process = Process::start(NAME);
    process.wait_for_file("begun");
    process.signal(SIGTERM);
    process.wait_for_file("told");
    assert!(!process.path("ended").exists());
    let (status, folder) = process.end();
    assert!(status.success(), "{status}");
    let ended = fs::read_to_string(folder.path().join("ended")).expect("it was written");
    assert!(ended.starts_with("interrupted, epoch "), "{ended}");
    assert_eq!(checkpoints(folder.path()), 1, "a handle writes a checkpoint too");
}

#[test]
fn a_signal_after_the_training_ends_the_process_as_usual() {
    const NAME: &str = "a_signal_after_the_training_ends_the_process_as_usual";
    if process::is_own() {
        on(data(16, 7)).build().expect("nothing is wrong with it").fit(1, 1e-3).expect("it trains");
        fs::write(folder().join("begun"), "").expect("it can be written");
        thread::sleep(PATIENCE);
    }
    let process = Process::start(NAME);
    process.wait_for_file("begun");
    process.signal(SIGTERM);
    assert_eq!(process.end().0.signal(), Some(SIGTERM));
}

#[test]
fn a_learner_that_does_not_handle_signals_trains_after_one_that_does() {
    let learner = |handle| on(data(16, 7)).handle_signals(handle).build().expect("nothing is wrong with it");
    for handle in [true, false, true] {
        assert_eq!(learner(handle).fit(1, 1e-3).expect("there is no signal").outcome, Outcome::Finished);
    }
}
