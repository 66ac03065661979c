//! The whole test suite in parts, with the time that each part takes.
//!
//! Every part selects the same packages, so cargo resolves the same features each time and builds nothing twice. The times
//! are printed before the last summary of the last part, so the output still ends with the test runner's own words.

use std::{
    ffi::OsString,
    mem,
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    child::{self, Output},
    error::Error,
    libtorch::Libtorch,
    machine::Machine,
    run,
};

/// The test in `tests/ui` that compiles the cases. It is a part of its own.
pub const CASES: &str = "mistakes_get_the_documented_answers";

/// A call of `cargo test`.
struct Part {
    name: &'static str,
    /// Selects the tests.
    select: &'static str,
    /// The first arguments of the test programs.
    first: &'static [&'static str],
    /// What is read here rather than written straight to the user, who then sees it without colours.
    read: Output,
}

const PARTS: [Part; 4] = [
    Part { name: "build", select: "--no-run", first: &[], read: Output::None },
    Part { name: "unit and integration tests", select: "--tests", first: &["--skip", CASES], read: Output::None },
    Part { name: "compile-fail tests", select: "--test=ui", first: &[], read: Output::None },
    Part { name: "doc tests", select: "--doc", first: &[], read: Output::Stdout },
];

impl Part {
    fn arguments(&self, rest: &[OsString]) -> Vec<OsString> {
        let first = self.first.iter().map(OsString::from);
        run::test(vec![self.select.into()], first.chain(rest.iter().cloned()).collect())
    }
}

/// Runs the parts up to the first that fails. The test programs get the arguments `rest`.
///
/// # Errors
///
/// Cargo does not start, or Ctrl-C was pressed.
pub fn run(machine: &Machine, libtorch: &Libtorch, rest: &[OsString]) -> Result<ExitCode, Error> {
    let mut times = Vec::new();
    let mut ending = Ending::default();
    let mut code = ExitCode::SUCCESS;
    for part in &PARTS {
        let arguments = part.arguments(rest);
        run::announce(machine, libtorch, &arguments);
        let start = Instant::now();
        let status = child::run(machine, &mut run::cargo(machine, libtorch, &arguments), part.read, |line| {
            for line in line.into_iter().flat_map(|line| ending.hear(line)) {
                machine.console.output(&line);
            }
        })?;
        times.push((part.name, start.elapsed()));
        if !status.success() {
            code = run::exit_code(status);
            break;
        }
    }
    for line in table(&times) {
        machine.console.line(&line);
    }
    for line in ending.0 {
        machine.console.output(&line);
    }
    Ok(code)
}

/// The last summary so far, and what follows it.
#[derive(Default)]
struct Ending(Vec<String>);

impl Ending {
    /// Keeps a line that may belong to the last summary. Returns the lines that do not.
    fn hear(&mut self, line: String) -> Vec<String> {
        let summary = line.starts_with("test result:");
        let mut others = if summary || line.starts_with("running ") { mem::take(&mut self.0) } else { Vec::new() };
        if summary || !self.0.is_empty() {
            self.0.push(line);
        } else {
            others.push(line);
        }
        others
    }
}

fn table(times: &[(&str, Duration)]) -> Vec<String> {
    let sum = ("in all", times.iter().map(|(_, time)| *time).sum());
    let row = |(name, time): &(&str, Duration)| format!("{name:<28} {:>7.1} s", time.as_secs_f64());
    times.iter().chain([&sum]).map(row).collect()
}
