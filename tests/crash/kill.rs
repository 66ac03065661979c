//! When the program is killed.

use std::{
    env, fmt,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use mixup::callback::Hook;
use rand::{RngExt as _, SeedableRng as _};

use super::{
    support::fuse::{Fuse, Place, Trouble},
    training,
};

/// The variable that tells the program to kill itself in a hook: `on_batch_end 3`.
const AT: &str = "MIXUP_CRASH_AT";

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_micros(50);

/// A kill.
#[derive(Clone, Copy, Debug)]
pub enum Kill {
    /// In a hook, after that has run some times in this process: the program sends the signal to itself.
    Hook(Hook, usize),
    /// So long after a save was seen to have begun: in the middle of it, or soon after it.
    Save(Duration),
    /// So long after the process has started, once there is a checkpoint.
    Any(Duration),
}

/// The kills, one after another.
pub struct Kills {
    rng: mixup::Rng,
    /// How long a training takes that is not killed.
    whole: Duration,
    made: usize,
}

impl Default for Kills {
    fn default() -> Self {
        Self::new(Duration::ZERO)
    }
}

/// Every hook of a training.
fn hooks() -> Vec<Hook> {
    let of_training = |hook: &Hook| !hook.name().starts_with("on_predict_");
    Hook::ALL.iter().copied().filter(of_training).collect()
}

impl Kills {
    pub fn new(whole: Duration) -> Self {
        Self { rng: mixup::Rng::seed_from_u64(7), whole, made: 0 }
    }

    /// The next kill. The first one of a training comes when there is a checkpoint.
    pub fn next(&mut self, first: bool) -> Kill {
        let Self { rng, whole, made } = self;
        *made += 1;
        let hooks = hooks();
        match *made % 3 {
            1 => Kill::Save(Duration::from_micros(rng.random_range(0..3000))),
            2 if !first => {
                let hook = hooks[(*made / 3) % hooks.len()];
                // Some hooks run once in a process, or once in an epoch.
                let often = hook.name().contains("batch") || hook.name().contains("step");
                Kill::Hook(hook, if often { rng.random_range(0..4) } else { 0 })
            }
            _ => Kill::Any(whole.mul_f64(rng.random_range(0.0..1.0))),
        }
    }
}

impl Kill {
    /// Tells the program, if it is to kill itself.
    pub fn tell(&self, program: &mut Command) {
        if let Self::Hook(hook, after) = self {
            program.env(AT, format!("{} {after}", hook.name()));
        }
    }

    /// What the parent has told this process.
    pub fn of_this_process() -> Option<Self> {
        let told = env::var(AT).ok()?;
        let (name, after) = told.split_once(' ').expect("a hook and a number");
        let hook = Hook::ALL.iter().find(|hook| hook.name() == name).expect("a hook");
        Some(Self::Hook(*hook, after.parse().expect("a number")))
    }

    /// What goes off in the hook.
    pub fn fuse(&self) -> Option<Fuse> {
        let Self::Hook(hook, after) = *self else { return None };
        let fuse = Fuse::default();
        fuse.set(Place::Hook(hook), Trouble::Kill, after);
        Some(fuse)
    }

    /// Kills the program, unless it does so itself. Returns false if it can't.
    pub fn watch(&self, child: &mut Child, folder: &Path) -> bool {
        let began = Instant::now();
        let runs = |child: &mut Child| child.try_wait().is_ok_and(|ended| ended.is_none());
        let wait = |child: &mut Child, until: &dyn Fn() -> bool| {
            while !until() && runs(child) {
                thread::sleep(LOOK);
            }
        };
        match *self {
            Self::Hook(..) => return true,
            Self::Save(delay) => {
                let process = child.id();
                wait(child, &|| training::has_saved(folder) && training::is_saving(folder, process));
                let seen = Instant::now();
                while seen.elapsed() < delay {
                    std::hint::spin_loop();
                }
            }
            Self::Any(delay) => wait(child, &|| training::has_saved(folder) && began.elapsed() >= delay),
        }
        !runs(child) || child.kill().is_ok()
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hook(hook, after) => write!(f, "in `{hook}`, after {after} times"),
            Self::Save(delay) => write!(f, "{} µs after a save was seen to begin", delay.as_micros()),
            Self::Any(delay) => write!(f, "{} ms after the start", delay.as_millis()),
        }
    }
}
