//! `cargo xtask setup | test | crash | soak | demo | bench | package`: the chores of this workspace.
//!
//! The rest of the workspace needs libtorch to build. This crate builds without it, finds or makes it, and then calls cargo,
//! so a fresh checkout needs one command and no instructions.
//!
//! Each module imports only modules before it in this list:
//! versions → console → error → machine → child → libtorch → wheel → fetch → setup → peers → run → mpi → suite → trials → scale → package
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![allow(clippy::doc_markdown, reason = "PyTorch and MixUp are names, not code; clap would print the backticks")]

mod child;
mod console;
mod error;
mod fetch;
mod libtorch;
mod machine;
mod mpi;
mod package;
mod peers;
mod run;
mod scale;
mod setup;
mod suite;
// The fakes of Python, uv, cargo and the compiler are shell scripts.
#[cfg(all(test, unix))]
mod tests;
mod trials;
mod versions;
mod wheel;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Parser, Subcommand};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::{console::Console, error::Error, machine::Machine, trials::Trial};

/// Sets up libtorch and runs what needs it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Find libtorch, or make `.libtorch/` from PyTorch's wheel; a second call does nothing
    Setup {
        /// Replace `.libtorch/` even if it is usable
        #[arg(long)]
        force: bool,
    },
    /// Run all tests of the workspace, including doc tests and compile-fail tests, and print how long each part takes
    Test {
        /// Run those of `mixup-mpi` instead, with several processes; they need Open MPI and libclang
        #[arg(long)]
        mpi: bool,
        /// Passed to a single `cargo test`; what follows `--` goes to the test programs
        #[arg(allow_hyphen_values = true)]
        args: Vec<OsString>,
        #[arg(last = true, hide = true)]
        rest: Vec<OsString>,
    },
    /// Kill a training again and again, let it go on each time, and check that it ends with the same bits; the last line is the result, as JSON
    Crash {
        /// How often
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
        kills: u32,
    },
    /// Train for a long time, and check that the memory stays flat; the last line is the result, as JSON
    Soak {
        /// For how long
        #[arg(long, default_value_t = 30.0, value_parser = minutes)]
        minutes: f64,
    },
    /// Measure trainings of several processes, here and on hosts in network namespaces (as root), and write the tables and the picture of `docs/scale.md`
    Scale,
    /// Pack the crates as they are published, and check that a project outside of the workspace compiles with them
    Package {
        /// Also build the project with libtorch, let it train and predict
        #[arg(long)]
        run: bool,
    },
    /// Run the example `mixup`: train a small network without and with MixUp
    Demo {
        /// Passed to the example; see its help with `cargo xtask demo -- --help`
        #[arg(allow_hyphen_values = true)]
        args: Vec<OsString>,
        #[arg(last = true, hide = true)]
        rest: Vec<OsString>,
    },
    /// Run the benches; each prints one line of JSON per case on stdout
    Bench {
        /// The benches to run; all of them by default
        #[arg(value_enum)]
        names: Vec<run::Bench>,
        /// Compare MixUp with fastai, timm and torchvision, and training steps with PyTorch, in a Python that is made under `target/`; writes `docs/benchmarks.md`
        #[arg(long)]
        peers: bool,
        /// Compare steps and mixing on a device (`cuda`, `cuda:1`, or `cpu` for a short try) with PyTorch, with the libtorch of that Python; writes no page
        #[arg(long, requires = "peers")]
        device: Option<String>,
        /// Passed to the benches, after `--`
        #[arg(last = true)]
        rest: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    chore(Cli::parse().chore).unwrap_or_else(|error| {
        Console::here().line(&format!("error: {error}"));
        ExitCode::from(if matches!(error, Error::Interrupted) { 130 } else { 1 })
    })
}

impl Chore {
    /// The test that may run for a long time, if it is one.
    fn trial(&self) -> Option<Trial> {
        match *self {
            Self::Crash { kills } => Some(Trial::Crash(kills)),
            Self::Soak { minutes } => Some(Trial::Soak(minutes)),
            _ => None,
        }
    }

    /// The arguments of the call of cargo, if there is one.
    fn arguments(self) -> Option<Vec<OsString>> {
        match self {
            Self::Setup { .. } | Self::Scale | Self::Package { .. } | Self::Crash { .. } | Self::Soak { .. } => None,
            Self::Test { mpi: true, args, rest } => Some(mpi::test(args, rest)),
            Self::Test { mpi: false, args, rest } => Some(run::test(args, rest)),
            Self::Demo { args, rest } => Some(run::demo(args, rest)),
            Self::Bench { names, peers, rest, .. } => Some(run::bench(&names, peers, rest)),
        }
    }
}

fn chore(chore: Chore) -> Result<ExitCode, Error> {
    let machine = here()?;
    if matches!(chore, Chore::Package { run: false }) {
        return package::run(&machine, None);
    }
    if matches!(chore, Chore::Test { mpi: true, .. } | Chore::Scale) {
        mpi::check(&machine)?;
    }
    let mut ready = setup::ensure(&machine, matches!(chore, Chore::Setup { force: true }))?;
    if matches!(chore, Chore::Package { .. }) {
        return package::run(&machine, Some(&ready.libtorch));
    }
    let mut vars = Vec::new();
    if let Chore::Bench { peers: true, device, .. } = &chore {
        let python = peers::ensure(&machine)?;
        match device {
            Some(device) => {
                ready.libtorch.lib = peers::libtorch(&python)?;
                vars.push(("MIXUP_PEERS_DEVICE", device.into()));
            }
            None => vars.push(("MIXUP_PEERS_PAGE", machine.root.join("docs").join("benchmarks.md"))),
        }
        vars.push(("MIXUP_PEERS_PYTHON", python));
    }
    if let Chore::Test { mpi: false, args, rest } = &chore
        && args.is_empty()
    {
        return suite::run(&machine, &ready.libtorch, rest);
    }
    if matches!(chore, Chore::Scale) {
        return scale::run(&machine, &ready.libtorch);
    }
    if let Some(trial) = chore.trial() {
        return trials::run(&machine, &ready.libtorch, trial);
    }
    if let Some(arguments) = chore.arguments() {
        return run::hand_over(&machine, &ready.libtorch, &arguments, &vars);
    }
    machine.console.line(&ready.sentence());
    Ok(ExitCode::SUCCESS)
}

/// A number of minutes.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|&minutes: &f64| minutes > 0.0 && minutes.is_finite());
    minutes.ok_or_else(|| "expected a number of minutes above 0".to_owned())
}

/// This machine. The first Ctrl-C ends the chore in an orderly way, the second one at once.
fn here() -> Result<Machine, Error> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for (signal, status) in [(SIGINT, 130), (SIGTERM, 143)] {
        flag::register_conditional_shutdown(signal, status, Arc::clone(&interrupted))
            .and_then(|_| flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| Error::Signals { error })?;
    }
    Ok(Machine::here(workspace(), interrupted))
}

/// The workspace's root. Cargo names this package's folder when it runs the program, and did so when it built it.
fn workspace() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}
