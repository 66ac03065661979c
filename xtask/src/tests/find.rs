//! libtorch is found by each of the three ways, and what does not fit is told with the remedy.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{Lab, write_libtorch};
use crate::{
    error::Error,
    libtorch::{self, Found, Libtorch, Origin, TCH, WANTED},
    wheel,
};

fn ready(lab: &Lab) -> Libtorch {
    match libtorch::find(&lab.machine).expect("nothing is wrong") {
        Found::Ready(libtorch) => libtorch,
        other => panic!("not found: {other:?}"),
    }
}

fn refused(lab: &Lab) -> String {
    libtorch::find(&lab.machine).expect_err("it must be refused").to_string()
}

#[test]
fn the_workspace_s_own_is_found() {
    let lab = Lab::new(&[]);
    assert!(matches!(libtorch::find(&lab.machine), Ok(Found::Nothing)));
    write_libtorch(&lab.root(".libtorch"), "2.13.0+cu130\n");
    let found = ready(&lab);
    assert_eq!(found.origin, Origin::Own);
    assert_eq!(found.version, "2.13.0+cu130");
    assert_eq!(found.lib, lab.root(".libtorch/lib"));
}

#[test]
fn the_libtorch_that_cargo_s_configuration_sets_is_not_taken_for_the_user_s() {
    let mut lab = Lab::new(&[]);
    lab.set("LIBTORCH", lab.root(".libtorch"));
    assert!(matches!(libtorch::find(&lab.machine), Ok(Found::Nothing)), "it is not there, and that is no mistake");
    symlink(lab.root(""), lab.path("door")).expect("the name is free");
    lab.set("LIBTORCH", lab.path("door/.libtorch"));
    assert!(matches!(libtorch::find(&lab.machine), Ok(Found::Nothing)), "the same by another way");
    write_libtorch(&lab.root(".libtorch"), "2.13.0");
    assert_eq!(ready(&lab).origin, Origin::Own);
}

#[test]
fn the_user_s_libtorch_goes_before_the_workspace_s_own() {
    let mut lab = Lab::new(&[]);
    write_libtorch(&lab.root(".libtorch"), "2.13.0+cu130");
    write_libtorch(&lab.path("mine"), "2.13.0+cpu");
    lab.set("LIBTORCH", lab.path("mine"));
    let found = ready(&lab);
    assert_eq!(found.origin, Origin::Given(lab.path("mine")));
    assert_eq!(found.version, "2.13.0+cpu");
    assert_eq!(found.lib, lab.path("mine/lib"));
}

#[test]
fn libraries_and_headers_may_lie_apart() {
    let mut lab = Lab::new(&[]);
    write_libtorch(&lab.path("mine"), "2.13.0");
    write_libtorch(&lab.path("other"), "2.13.0");
    fs::remove_dir_all(lab.path("mine/lib")).expect("it is ours");
    lab.set("LIBTORCH", lab.path("mine"));
    lab.set("LIBTORCH_LIB", lab.path("other"));
    assert_eq!(ready(&lab).lib, lab.path("other/lib"));
}

#[test]
fn pytorch_goes_before_all_as_in_torch_sys() {
    let mut lab = Lab::new(&["python3"]);
    write_libtorch(&lab.path("mine"), "2.13.0");
    lab.set("LIBTORCH", lab.path("mine"));
    lab.set("LIBTORCH_USE_PYTORCH", "1");
    lab.set("FAKE_TORCH", "2.13.0+cu130");
    lab.set("FAKE_LIB", "/python/torch/lib");
    let found = ready(&lab);
    assert_eq!(found.origin, Origin::PyTorch(lab.path("bin/python3")));
    assert_eq!((found.version.as_str(), found.lib.as_path()), ("2.13.0+cu130", Path::new("/python/torch/lib")));
}

#[test]
fn in_a_virtual_environment_its_python_is_asked() {
    let mut lab = Lab::new(&[]);
    lab.install("python3", "python");
    lab.set("VIRTUAL_ENV", "/some/where");
    lab.set("LIBTORCH_USE_PYTORCH", "1");
    lab.set("FAKE_TORCH", "2.13.0");
    lab.set("FAKE_LIB", "/lib");
    assert_eq!(ready(&lab).origin, Origin::PyTorch(lab.path("bin/python")));
}

#[test]
fn a_wrong_version_of_the_user_s_is_told_with_place_and_remedy() {
    let mut lab = Lab::new(&["python3"]);
    write_libtorch(&lab.path("mine"), "2.5.1+cu124");
    lab.set("LIBTORCH", lab.path("mine"));
    let said = refused(&lab);
    for word in ["LIBTORCH leads", "2.5.1+cu124", "2.13.0", "mine", "unset LIBTORCH", "cargo xtask setup"] {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
    lab.set("LIBTORCH_USE_PYTORCH", "1");
    lab.set("FAKE_TORCH", "2.14.0");
    lab.set("FAKE_LIB", "/python/lib");
    let said = refused(&lab);
    assert!(said.contains("LIBTORCH_USE_PYTORCH leads to libtorch 2.14.0 in /python/lib"), "{said}");
}

#[test]
fn torch_sys_s_way_round_its_check_goes_here_too() {
    let mut lab = Lab::new(&[]);
    write_libtorch(&lab.path("mine"), "2.12.0");
    lab.set("LIBTORCH", lab.path("mine"));
    lab.set("LIBTORCH_BYPASS_VERSION_CHECK", "1");
    assert_eq!(ready(&lab).version, "2.12.0");
}

#[test]
fn the_version_is_also_read_from_the_module_and_from_the_header() {
    let mut lab = Lab::new(&[]);
    let mine = lab.path("mine");
    write_libtorch(&mine, "");
    lab.set("LIBTORCH", &mine);
    assert!(refused(&lab).contains("nothing in it tells its version"));
    fs::create_dir_all(mine.join("include/torch/headeronly")).expect("writable");
    let header =
        "#pragma once\n#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 13\n#define TORCH_VERSION_PATCH 0\n";
    fs::write(mine.join("include/torch/headeronly/version.h"), header).expect("writable");
    assert_eq!(ready(&lab).version, "2.13.0");
    fs::write(mine.join("version.py"), "__version__ = '2.13.0+cu126'\n").expect("writable");
    assert_eq!(ready(&lab).version, "2.13.0+cu126");
}

#[test]
fn a_libtorch_that_leads_nowhere_says_what_it_lacks() {
    let mut lab = Lab::new(&[]);
    for (value, problem) in [
        ("", "that is empty"),
        ("some/where", "a relative path leads elsewhere"),
        ("/no/such/place", "there is no such folder"),
    ] {
        lab.set("LIBTORCH", value);
        let said = refused(&lab);
        assert!(said.contains(problem), "{said}");
    }
    write_libtorch(&lab.path("mine"), "2.13.0");
    lab.set("LIBTORCH", lab.path("mine"));
    fs::remove_file(lab.path("mine/lib/libtorch_cpu.so")).expect("it was there");
    assert!(refused(&lab).contains("none of libtorch_cpu.so, libtorch_cpu.dylib, torch_cpu.dll is in"));
    fs::remove_dir_all(lab.path("mine/include")).expect("it was there");
    assert!(refused(&lab).contains("there is no `include/torch/csrc/api/include/torch/torch.h`"));
}

#[test]
fn pytorch_asked_for_but_absent_is_told_in_python_s_words() {
    let mut lab = Lab::new(&["python3"]);
    lab.set("LIBTORCH_USE_PYTORCH", "0");
    let said = refused(&lab);
    for word in ["any value counts", "No module named 'torch'", "python3 -m pip install torch==2.13.0"] {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
    fs::remove_file(lab.path("bin/python3")).expect("it was there");
    assert!(refused(&lab).contains("there is no `python3` on PATH"));
}

#[test]
fn an_own_folder_that_is_not_whole_or_of_another_version_is_not_taken() {
    let lab = Lab::new(&[]);
    let own = lab.root(".libtorch");
    let unfit = || match libtorch::find(&lab.machine) {
        Ok(Found::Unfit(problem)) => problem,
        other => panic!("taken: {other:?}"),
    };
    write_libtorch(&own, "2.12.1+cpu");
    assert!(unfit().contains("it is version 2.12.1+cpu, and tch 0.26 wants 2.13.0"));
    write_libtorch(&own, "2.13.0");
    fs::write(own.join("lib/libc10.so"), "").expect("writable");
    assert!(unfit().contains("`lib/libc10.so` is missing in it or empty"));
    fs::remove_file(own.join("lib/libtorch_cpu.so")).expect("it was there");
    fs::write(own.join("lib/libc10.so"), "c10").expect("writable");
    assert!(unfit().contains("`lib/libtorch_cpu.so`"));
}

#[test]
fn a_missing_compiler_is_told_and_a_chosen_one_is_looked_for() {
    let mut lab = Lab::new(&[]);
    let said = |lab: &Lab| libtorch::compiler(&lab.machine).expect_err("there is none").to_string();
    assert!(said(&lab).contains("neither `c++` nor `g++` nor `clang++`"));
    assert!(said(&lab).contains("sudo apt install g++"));
    lab.install("c++", "clang++");
    assert!(said(&lab).contains("set CXX=clang++"), "torch-sys would look for `c++`");
    lab.set("CXX", "clang++ -stdlib=libc++");
    libtorch::compiler(&lab.machine).expect("it is there, with an option");
    lab.set("CXX", "icpx");
    assert!(said(&lab).contains("CXX is `icpx`"));
    lab.install("c++", "c++");
    lab.machine.vars.remove("CXX".as_ref() as &std::ffi::OsStr);
    libtorch::compiler(&lab.machine).expect("it is there");
}

#[test]
fn the_wanted_version_is_the_one_of_the_tch_in_use() {
    // `WANTED` is what torch-sys's build script of this version asks for: a new tch must be looked at there.
    assert_eq!((TCH, WANTED), ("0.26", "2.13.0"));
    assert_eq!(wheel::TORCH.requirement, format!("torch=={WANTED}"));
    let lock = include_str!("../../../Cargo.lock");
    assert!(lock.contains("name = \"torch-sys\"\nversion = \"0.26."), "tch has changed: see to `WANTED` and `TCH`");
}

#[test]
fn every_refusal_is_an_error_of_its_own_kind() {
    let mut lab = Lab::new(&[]);
    lab.set("LIBTORCH", "/no/such/place");
    assert!(matches!(libtorch::find(&lab.machine), Err(Error::NotLibtorch { .. })));
}
