//! The cases in which Ctrl-C ends the process: outside of a training, and the second time in one. Each test runs in its own
//! process, which is this program with that one test.
#![cfg(unix)]
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use std::os::unix::process::ExitStatusExt as _;

use mixup::{callback::Hook, prelude::*};
use signal_hook::{consts::SIGINT, low_level::raise};
use support::{
    fuse::{Fuse, Place, Saboteur, Trouble},
    process,
};

fn learner(fuse: &Fuse) -> Learner {
    let learn = support::on(support::data(8, 0)).callback(Saboteur(fuse.clone())).build();
    learn.expect("nothing is wrong with it")
}

#[test]
fn ctrl_c_ends_the_process_as_usual_after_a_training() {
    if process::is_own() {
        let fuse = Fuse::default();
        let mut learn = learner(&fuse);
        fuse.set(Place::Hook(Hook::BatchEnd), Trouble::CtrlC, 0);
        learn.fit(1, 0.1).expect_err("it is interrupted");
        let _ = raise(SIGINT);
        unreachable!("the signal came while nothing was trained");
    }
    assert_eq!(process::run("ctrl_c_ends_the_process_as_usual_after_a_training").status.signal(), Some(SIGINT));
}

#[test]
fn a_second_ctrl_c_ends_the_process_at_once() {
    struct Impatient;

    #[callback]
    impl Impatient {
        fn on_batch_end(&mut self) {
            let _ = raise(SIGINT);
            let _ = raise(SIGINT);
            unreachable!("the second one ends it");
        }
    }

    if process::is_own() {
        let mut learn = learner(&Fuse::default());
        learn.callback(Impatient);
        let _ = learn.fit(1, 0.1);
    }
    assert_eq!(process::run("a_second_ctrl_c_ends_the_process_at_once").status.signal(), Some(SIGINT));
}

#[test]
fn one_ctrl_c_in_each_training_ends_only_that_training() {
    if process::is_own() {
        let fuse = Fuse::default();
        let mut learn = learner(&fuse);
        for _ in 0..3 {
            fuse.set(Place::Hook(Hook::BatchEnd), Trouble::CtrlC, 0);
            learn.fit(1, 0.1).expect_err("it is interrupted");
        }
        return;
    }
    assert_eq!(process::run("one_ctrl_c_in_each_training_ends_only_that_training").status.code(), Some(0));
}
