//! The Python with the peers is made once, whole or not at all.

use std::fs;

use super::Lab;
use crate::{error::Error, peers};

const ALL: [&str; 4] = ["torch==2.13.0", "torchvision==0.28.0", "timm==1.0.31", "fastai==2.8.12"];

#[test]
fn pip_or_uv_makes_a_python_with_the_pinned_peers_once() {
    for program in ["python3", "uv"] {
        let lab = Lab::new(&[program]);
        for _ in 0..2 {
            let python = peers::ensure(&lab.machine).expect("it is made");
            assert_eq!(python, lab.root("target/peers/bin/python"));
        }
        assert_eq!(lab.fetched(), ALL, "by {program}, and not a second time");
        assert!(!lab.root("target/peers/scratch").exists());
    }
}

#[test]
fn peers_of_other_versions_and_half_made_ones_are_made_anew() {
    let lab = Lab::new(&["python3"]);
    peers::ensure(&lab.machine).expect("it is made");
    let note = lab.root("target/peers/made-of");
    fs::write(&note, "torch==2.12.0").expect("writable");
    peers::ensure(&lab.machine).expect("it is made anew");
    fs::remove_file(&note).expect("it is there");
    peers::ensure(&lab.machine).expect("it is made anew");
    assert_eq!(lab.fetched(), [ALL; 3].concat());
}

#[test]
fn what_pip_says_is_told_and_nothing_half_made_is_left() {
    let mut lab = Lab::new(&["python3"]);
    lab.set("FAKE_FAILURE", "no matching distribution");
    let error = peers::ensure(&lab.machine).expect_err("pip fails");
    assert!(error.to_string().contains("no matching distribution"), "{error}");
    assert!(error.to_string().contains("cargo xtask bench --peers"), "{error}");
    assert!(!lab.root("target/peers").exists());
}

#[test]
fn without_python_and_with_little_disk_the_remedy_is_told() {
    let mut lab = Lab::new(&[]);
    let error = peers::ensure(&lab.machine).expect_err("there is no Python");
    assert!(matches!(error, Error::NoPythonForPeers), "{error}");
    lab.install("uv", "uv");
    lab.machine.free = |_| Some(1_000_000_000);
    let error = peers::ensure(&lab.machine).expect_err("there is no room");
    assert!(matches!(error, Error::LittleDiskForPeers { free: 1_000_000_000, .. }), "{error}");
    assert!(lab.fetched().is_empty() && !lab.root("target/peers").exists());
}

#[test]
fn the_target_folder_of_the_user_s_is_where_they_go() {
    let mut lab = Lab::new(&["python3"]);
    lab.set("CARGO_TARGET_DIR", lab.path("elsewhere"));
    let python = peers::ensure(&lab.machine).expect("it is made");
    assert_eq!(python, lab.path("elsewhere/peers/bin/python"));
}
