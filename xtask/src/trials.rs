//! Tests that can run for as long as one likes: `cargo xtask crash` and `cargo xtask soak`. The last line is their result, as JSON.

use std::{ffi::OsString, process::ExitCode};

use crate::{
    child::{self, Output},
    error::Error,
    libtorch::Libtorch,
    machine::Machine,
    run,
};

/// What is tried, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trial {
    /// A training is killed so many times.
    Crash(u32),
    /// Trainings run for so many minutes.
    Soak(f64),
}

impl Trial {
    /// The file of tests, and the test in it.
    pub fn test(self) -> (&'static str, &'static str) {
        match self {
            Self::Crash(_) => ("crash", "a_training_that_is_killed_anywhere_ends_with_the_same_bits"),
            Self::Soak(_) => ("soak", "the_memory_of_a_long_run_stays_flat"),
        }
    }

    /// The variable that tells the test for how long.
    pub fn variable(self) -> (&'static str, String) {
        match self {
            Self::Crash(kills) => ("MIXUP_CRASH_KILLS", kills.to_string()),
            Self::Soak(minutes) => ("MIXUP_SOAK_MINUTES", minutes.to_string()),
        }
    }

    fn arguments(self) -> Vec<OsString> {
        let (file, test) = self.test();
        let rest = ["--exact", test, "--include-ignored", "--nocapture"].map(OsString::from);
        run::test(vec![format!("--test={file}").into()], rest.into())
    }
}

/// Runs a trial to its end.
///
/// # Errors
///
/// Cargo does not start, or Ctrl-C was pressed.
pub fn run(machine: &Machine, libtorch: &Libtorch, trial: Trial) -> Result<ExitCode, Error> {
    let arguments = trial.arguments();
    run::announce(machine, libtorch, &arguments);
    let (name, value) = trial.variable();
    let mut command = run::cargo(machine, libtorch, &arguments);
    command.env(name, value);
    let mut result = None;
    let status = child::run(machine, &mut command, Output::Stdout, |line| match line {
        Some(line) if line.starts_with("{\"") => result = Some(line),
        Some(line) => machine.console.output(&line),
        None => {}
    })?;
    if let Some(result) = result {
        machine.console.output(&result);
    }
    Ok(run::exit_code(status))
}
