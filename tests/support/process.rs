//! Tests of a whole process: each runs in its own process, which is this program with that one test.

use std::{
    env,
    process::{Command, Output},
};

/// The variable that is set in a process that a test started.
const HERE: &str = "MIXUP_TEST_IS_IN_ITS_OWN_PROCESS";

/// The command that runs one test of this program in its own process; [`is_own`] is true there.
pub fn own(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]).env(HERE, "yes");
    command
}

/// Whether this is a process that a test started.
pub fn is_own() -> bool {
    env::var_os(HERE).is_some()
}

/// Runs one test in its own process and returns the result.
pub fn run(test: &str) -> Output {
    own(test).output().expect("it starts")
}

/// Runs a test in its own process, and checks that it succeeds. True in that process: the test itself follows. For tests that
/// need libtorch's generator, of which a process has one, for themselves.
pub fn alone(test: &str) -> bool {
    if is_own() {
        return true;
    }
    let output = run(test);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    false
}
