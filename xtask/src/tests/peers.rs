//! The Python with the peers is made once, completely or not at all.

use std::fs;

use super::Lab;
use crate::{error::Error, peers};

const ALL: [&str; 5] = ["torch==2.13.0", "torchvision==0.28.0", "timm==1.0.31", "fastai==2.8.12", "lightning==2.6.6"];

#[test]
fn pip_or_uv_installs_the_pinned_peers_once() {
    for program in ["python3", "uv"] {
        let lab = Lab::new(&[program]);
        for _ in 0..2 {
            let python = peers::ensure(&lab.machine).expect("it is made");
            assert_eq!(python, lab.root("target/peers/bin/python"));
        }
        assert_eq!(lab.requests(), ALL, "by {program}, and only once");
        assert!(!lab.root("target/peers/scratch").exists());
    }
}

#[test]
fn peers_of_other_versions_and_incomplete_ones_are_replaced() {
    let lab = Lab::new(&["python3"]);
    peers::ensure(&lab.machine).expect("it is made");
    let note = lab.root("target/peers/made-of");
    fs::write(&note, "torch==2.12.0").expect("writable");
    peers::ensure(&lab.machine).expect("it is replaced");
    fs::remove_file(&note).expect("it exists");
    peers::ensure(&lab.machine).expect("it is replaced");
    assert_eq!(lab.requests(), [ALL; 3].concat());
}

#[test]
fn a_failure_quotes_pip_and_leaves_nothing_behind() {
    let mut lab = Lab::new(&["python3"]);
    lab.set("FAKE_FAILURE", "no matching distribution");
    let error = peers::ensure(&lab.machine).expect_err("pip fails");
    assert!(error.to_string().contains("no matching distribution"), "{error}");
    assert!(error.to_string().contains("cargo xtask bench --peers"), "{error}");
    assert!(!lab.root("target/peers").exists());
}

#[test]
fn the_messages_about_a_missing_python_and_a_full_disk_say_what_to_do() {
    let mut lab = Lab::new(&[]);
    let error = peers::ensure(&lab.machine).expect_err("there is no Python");
    assert!(matches!(error, Error::NoPythonForPeers), "{error}");
    lab.install("uv", "uv");
    lab.machine.free = |_| Some(1_000_000_000);
    let error = peers::ensure(&lab.machine).expect_err("there is too little space");
    assert!(matches!(error, Error::LittleDiskForPeers { free: 1_000_000_000, .. }), "{error}");
    assert!(lab.requests().is_empty() && !lab.root("target/peers").exists());
}

#[test]
fn the_peers_go_to_the_user_s_target_folder() {
    let mut lab = Lab::new(&["python3"]);
    lab.set("CARGO_TARGET_DIR", lab.path("elsewhere"));
    let python = peers::ensure(&lab.machine).expect("it is made");
    assert_eq!(python, lab.path("elsewhere/peers/bin/python"));
}
