//! Long tests get their length, and end with their result.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use super::Lab;
use crate::{
    Chore, Cli,
    libtorch::{Libtorch, Origin},
    trials::{self, Trial},
};

fn run(lab: &Lab, trial: Trial) -> ExitCode {
    let libtorch = Libtorch { origin: Origin::Own, version: "2.13.0".to_owned(), lib: PathBuf::from("/a/lib") };
    trials::run(&lab.machine, &libtorch, trial).expect("cargo starts")
}

fn lab() -> Lab {
    let mut lab = Lab::new(&["cargo"]);
    lab.set("CARGO", lab.path("bin/cargo"));
    lab
}

#[test]
fn the_tests_and_their_variables_exist() {
    let files = [include_str!("../../../tests/crash/main.rs"), include_str!("../../../tests/soak.rs")];
    for (trial, text) in [Trial::Crash(1), Trial::Soak(1.0)].into_iter().zip(files) {
        let (_, test) = trial.test();
        assert!(text.contains(&format!("fn {test}()")), "no test is called {test}");
        let (variable, _) = trial.variable();
        assert!(text.contains(&format!("\"{variable}\"")), "no test reads {variable}");
    }
}

#[test]
fn the_result_is_the_last_line() {
    let lab = lab();
    assert_eq!(run(&lab, Trial::Crash(3)), ExitCode::SUCCESS);
    let calls =
        ["test --test=crash -- --exact a_training_that_is_killed_anywhere_ends_with_the_same_bits --include-ignored \
         --nocapture"];
    assert_eq!(lab.requests(), calls);
    let printed = lab.printed();
    let last = [r"kill 3 of 3", r"test result: ok.", r#"{"kills":"3"}"#];
    assert!(printed.ends_with(&last.map(str::to_owned)), "{printed:?}");
}

#[test]
fn a_failure_has_its_result_and_its_exit_status() {
    let mut lab = lab();
    lab.set("FAKE_FAILURE", "--test=crash");
    assert_eq!(run(&lab, Trial::Crash(2)), ExitCode::from(101));
    assert_eq!(lab.printed().last().map(String::as_str), Some(r#"{"kills":"2"}"#));
}

#[test]
fn a_length_out_of_range_is_refused() {
    let parse = |command: &str| Cli::try_parse_from(format!("xtask {command}").split(' ').map(str::to_owned));
    for wrong in
        ["crash --kills 0", "crash --kills many", "soak --minutes 0", "soak --minutes -1", "soak --minutes nan"]
    {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
    let trial = |command: &str| match parse(command).expect("it is right").chore {
        Chore::Crash { kills } => Trial::Crash(kills),
        Chore::Soak { minutes } => Trial::Soak(minutes),
        _ => unreachable!("it is one of the two"),
    };
    assert_eq!((trial("crash"), trial("crash --kills 7")), (Trial::Crash(200), Trial::Crash(7)));
    assert_eq!((trial("soak"), trial("soak --minutes 0.5")), (Trial::Soak(30.0), Trial::Soak(0.5)));
}
