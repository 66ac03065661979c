//! The test suite runs in parts, and its output ends with the last summary.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use super::Lab;
use crate::{
    libtorch::{Libtorch, Origin},
    suite,
};

fn run(lab: &Lab, rest: &[&str]) -> ExitCode {
    let libtorch = Libtorch { origin: Origin::Own, version: "2.13.0".to_owned(), lib: PathBuf::from("/a/lib") };
    let rest: Vec<_> = rest.iter().map(OsString::from).collect();
    suite::run(&lab.machine, &libtorch, &rest).expect("cargo starts")
}

/// A machine with the fake cargo.
fn lab() -> Lab {
    let mut lab = Lab::new(&["cargo"]);
    lab.set("CARGO", lab.path("bin/cargo"));
    lab
}

#[test]
fn every_test_runs_in_one_part() {
    let lab = lab();
    assert_eq!(run(&lab, &[]), ExitCode::SUCCESS);
    let calls =
        ["test --no-run", "test --tests -- --skip mistakes_get_the_documented_answers", "test --test=ui", "test --doc"];
    assert_eq!(lab.requests(), calls);
}

#[test]
fn the_test_that_is_skipped_exists() {
    let runner = include_str!("../../../tests/ui/runner/main.rs");
    assert!(runner.contains(&format!("fn {}()", suite::CASES)), "no test is called {}", suite::CASES);
}

#[test]
fn the_arguments_of_the_test_programs_reach_every_part() {
    let lab = lab();
    run(&lab, &["--nocapture"]);
    assert!(lab.requests().iter().all(|call| call.ends_with(" --nocapture")), "{:?}", lab.requests());
    assert!(lab.requests()[1].contains("-- --skip"), "{:?}", lab.requests());
}

#[test]
fn the_times_are_printed_before_the_last_summary() {
    let lab = lab();
    run(&lab, &[]);
    let printed = lab.printed();
    let begin = printed.iter().position(|line| line == "running 1 test").expect("the last part's output is passed on");
    let (output, rest) = printed[begin..].split_at(4);
    assert_eq!(output, ["running 1 test", "test result: ok. 1 passed", "", "running 2 tests"]);
    let (times, summary) = rest.split_at(5);
    assert_eq!(summary, ["test result: ok.", "all doctests ran"]);
    for (line, name) in
        times.iter().zip(["build ", "unit and integration tests ", "compile-fail tests ", "doc tests ", "in all "])
    {
        assert!(line.starts_with(name) && line.ends_with(" s"), "{line}");
    }
}

#[test]
fn a_failure_ends_the_suite_with_its_exit_status() {
    let mut lab = lab();
    lab.set("FAKE_FAILURE", "--tests");
    assert_eq!(run(&lab, &[]), ExitCode::from(101));
    assert_eq!(lab.requests().len(), 2, "nothing runs after a failure");
    assert!(lab.printed().last().is_some_and(|line| line.starts_with("in all ")), "{:?}", lab.printed());
    lab.set("FAKE_FAILURE", "--doc");
    assert_eq!(run(&lab, &[]), ExitCode::from(101));
    assert!(lab.printed().ends_with(&["test result: FAILED.".to_owned(), "all doctests ran".to_owned()]));
}
