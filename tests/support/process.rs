//! Tests of what happens to a whole process: each does it in a process of its own, which is this program again with one test.

use std::{
    env,
    process::{Command, Output},
};

/// Set in the process that a test has started.
const HERE: &str = "MIXUP_TEST_IS_IN_ITS_OWN_PROCESS";

/// The command that runs one test of this program in a process of its own; [`is_own`] is true there.
pub fn own(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]).env(HERE, "yes");
    command
}

/// Whether this is the process that a test has started.
pub fn is_own() -> bool {
    env::var_os(HERE).is_some()
}

/// Runs one test in a process of its own and returns what became of it.
pub fn run(test: &str) -> Output {
    own(test).output().expect("it starts")
}
