//! A real process that trains is killed with SIGKILL, again and again, and ends with the bits of one that nobody has killed.
//!
//! - `training`: the learner, and the program that trains it: it goes on if there is a checkpoint, and begins otherwise.
//! - `kill`: when the program is killed: in a hook, in the middle of a save, or at any moment.
//!
//! The tests of `files` cut the power at each operation of a simulated disk; here it is the kernel that ends the process.
//! `cargo xtask crash --kills 200` sets the number of kills.
#![cfg(unix)]

mod kill;
#[path = "../support/mod.rs"]
mod support;
mod training;

use std::{
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Instant,
};

use kill::{Kill, Kills};
use serde_json::json;
use signal_hook::consts::SIGKILL;
use support::process;
use training::{ENDED, LOG};

/// The variable that says how often the program is killed.
const KILLS: &str = "MIXUP_CRASH_KILLS";

/// The variable that has the folder of the program's training.
const FOLDER: &str = "MIXUP_CRASH_FOLDER";

/// How often one training is killed before it may end.
const OF_ONE_TRAINING: usize = 8;

const TEST: &str = "a_training_that_is_killed_anywhere_ends_with_the_same_bits";

#[test]
fn a_training_that_is_killed_anywhere_ends_with_the_same_bits() {
    if process::is_own() {
        let folder = env::var_os(FOLDER).expect("the parent sets it");
        return training::program(Path::new(&folder), Kill::of_this_process().as_ref());
    }
    let kills = env::var(KILLS).map_or(9, |kills| kills.parse().expect("a number of kills"));
    let whole = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    assert!(started(whole.path(), None).wait().expect("it ends").success(), "the training that is not killed fails");
    let wanted = training::ended(whole.path());
    let mut all = Tally { wanted: kills, kills: Kills::new(began.elapsed()), ..Tally::default() };
    while all.killed < kills {
        let folder = tempfile::tempdir().expect("a folder");
        all.training(folder.path(), &wanted);
    }
    println!("{} of {kills} kills were in the middle of a save", all.in_a_save);
    println!("{}", json!({ "kills": all.killed, "resumed": all.resumed, "same_bits": all.same_bits }));
    assert_eq!((all.resumed, all.same_bits), (kills, kills), "of {kills} kills");
    assert!(all.in_a_save > 0, "no kill was in the middle of a save");
}

/// What was counted.
#[derive(Default)]
struct Tally {
    wanted: usize,
    kills: Kills,
    killed: usize,
    in_a_save: usize,
    /// After so many kills, a process went on from a checkpoint.
    resumed: usize,
    /// So many kills were of trainings that ended with the same bits.
    same_bits: usize,
}

impl Tally {
    /// Kills one training some times, and compares what it ends with.
    fn training(&mut self, folder: &Path, wanted: &[(String, Vec<u8>)]) {
        // The kills of this training, and those after which no process has gone on yet: it may be killed before that, too.
        let (mut killed, mut waiting) = (0, 0);
        loop {
            let kill = (killed < OF_ONE_TRAINING && self.killed < self.wanted).then(|| self.kills.next(killed == 0));
            let mut child = started(folder, kill.as_ref());
            let watched = kill.as_ref().is_none_or(|kill| kill.watch(&mut child, folder));
            let status = child.wait().expect("it ends");
            if training::has_gone_on(folder) {
                self.resumed += std::mem::take(&mut waiting);
            }
            let Some(kill) = kill.filter(|_| was_killed(status)) else {
                assert!(watched && status.success(), "it ended by itself, with {status}");
                break;
            };
            (killed, waiting, self.killed) = (killed + 1, waiting + 1, self.killed + 1);
            let saving = training::is_saving(folder, child.id());
            self.in_a_save += usize::from(saving);
            let what = if saving { ", in the middle of a save" } else { "" };
            println!("kill {} of {}: {kill}{what}", self.killed, self.wanted);
        }
        let found = training::ended(folder);
        let differs = wanted.iter().zip(&found).find(|(wanted, found)| wanted != found).map(|((name, _), _)| name);
        match differs {
            None => self.same_bits += killed,
            Some(name) => println!("the training that was killed {killed} times ended with another `{name}`"),
        }
    }
}

/// Starts the program on a folder.
fn started(folder: &Path, kill: Option<&Kill>) -> Child {
    let _ = fs::remove_file(folder.join(LOG));
    let mut program: Command = process::own(TEST);
    program.env(FOLDER, folder).stdout(Stdio::null());
    if let Some(kill) = kill {
        kill.tell(&mut program);
    }
    program.spawn().expect("it starts")
}

fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(SIGKILL)
}

#[test]
fn what_a_training_ends_with_is_compared_file_by_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ENDED {
        fs::write(folder.path().join(name), name).expect("it can be written");
    }
    let files = training::ended(folder.path());
    assert_eq!(files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ENDED);
    assert!(files.iter().all(|(name, bytes)| name.as_bytes() == bytes));
}
