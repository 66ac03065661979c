//! libtorch is found in each of the three ways, and the message about an unusable one says what to do.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{Lab, write_libtorch};
use crate::{
    error::Error,
    libtorch::{self, Found, Libtorch, Origin},
    versions::{LIBTORCH, TCH},
    wheel,
};

fn ready(lab: &Lab) -> Libtorch {
    match libtorch::find(&lab.machine).expect("nothing is wrong") {
        Found::Ready(libtorch) => libtorch,
        other => panic!("not found: {other:?}"),
    }
}

fn rejected(lab: &Lab) -> String {
    libtorch::find(&lab.machine).expect_err("it is rejected").to_string()
}

#[test]
fn finds_the_libtorch_of_the_workspace() {
    let lab = Lab::new(&[]);
    assert!(matches!(libtorch::find(&lab.machine), Ok(Found::Nothing)));
    write_libtorch(&lab.root(".libtorch"), "2.13.0+cu130\n");
    let found = ready(&lab);
    assert_eq!(found.origin, Origin::Own);
    assert_eq!(found.version, "2.13.0+cu130");
    assert_eq!(found.lib, lab.root(".libtorch/lib"));
}

#[test]
fn does_not_mistake_the_libtorch_in_cargo_s_configuration_for_the_user_s() {
    let mut lab = Lab::new(&[]);
    lab.set("LIBTORCH", lab.root(".libtorch"));
    assert!(matches!(libtorch::find(&lab.machine), Ok(Found::Nothing)), "a missing one is not an error");
    symlink(lab.root(""), lab.path("link")).expect("the name is free");
    lab.set("LIBTORCH", lab.path("link/.libtorch"));
    assert!(matches!(libtorch::find(&lab.machine), Ok(Found::Nothing)), "the same folder by another path");
    write_libtorch(&lab.root(".libtorch"), "2.13.0");
    assert_eq!(ready(&lab).origin, Origin::Own);
}

#[test]
fn the_user_s_libtorch_takes_precedence_over_the_workspace_s() {
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
fn libraries_and_headers_may_be_in_different_folders() {
    let mut lab = Lab::new(&[]);
    write_libtorch(&lab.path("mine"), "2.13.0");
    write_libtorch(&lab.path("other"), "2.13.0");
    fs::remove_dir_all(lab.path("mine/lib")).expect("it is ours");
    lab.set("LIBTORCH", lab.path("mine"));
    lab.set("LIBTORCH_LIB", lab.path("other"));
    assert_eq!(ready(&lab).lib, lab.path("other/lib"));
}

#[test]
fn pytorch_takes_precedence_over_all_others_as_in_torch_sys() {
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
fn asks_the_python_of_a_virtual_environment() {
    let mut lab = Lab::new(&[]);
    lab.install("python3", "python");
    lab.set("VIRTUAL_ENV", "/some/where");
    lab.set("LIBTORCH_USE_PYTORCH", "1");
    lab.set("FAKE_TORCH", "2.13.0");
    lab.set("FAKE_LIB", "/lib");
    assert_eq!(ready(&lab).origin, Origin::PyTorch(lab.path("bin/python")));
}

#[test]
fn the_message_about_a_wrong_version_has_its_place_and_what_to_do() {
    let mut lab = Lab::new(&["python3"]);
    write_libtorch(&lab.path("mine"), "2.5.1+cu124");
    lab.set("LIBTORCH", lab.path("mine"));
    let said = rejected(&lab);
    for word in ["LIBTORCH points", "2.5.1+cu124", "2.13.0", "mine", "unset LIBTORCH", "cargo xtask setup"] {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
    lab.set("LIBTORCH_USE_PYTORCH", "1");
    lab.set("FAKE_TORCH", "2.14.0");
    lab.set("FAKE_LIB", "/python/lib");
    let said = rejected(&lab);
    assert!(said.contains("LIBTORCH_USE_PYTORCH points to libtorch 2.14.0 in /python/lib"), "{said}");
}

#[test]
fn the_variable_that_skips_torch_sys_s_check_skips_this_one_too() {
    let mut lab = Lab::new(&[]);
    write_libtorch(&lab.path("mine"), "2.12.0");
    lab.set("LIBTORCH", lab.path("mine"));
    lab.set("LIBTORCH_BYPASS_VERSION_CHECK", "1");
    assert_eq!(ready(&lab).version, "2.12.0");
}

#[test]
fn reads_the_version_from_the_module_or_the_header_too() {
    let mut lab = Lab::new(&[]);
    let mine = lab.path("mine");
    write_libtorch(&mine, "");
    lab.set("LIBTORCH", &mine);
    assert!(rejected(&lab).contains("nothing in it states its version"));
    fs::create_dir_all(mine.join("include/torch/headeronly")).expect("writable");
    let header =
        "#pragma once\n#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 13\n#define TORCH_VERSION_PATCH 0\n";
    fs::write(mine.join("include/torch/headeronly/version.h"), header).expect("writable");
    assert_eq!(ready(&lab).version, "2.13.0");
    fs::write(mine.join("version.py"), "__version__ = '2.13.0+cu126'\n").expect("writable");
    assert_eq!(ready(&lab).version, "2.13.0+cu126");
}

#[test]
fn the_message_about_an_unusable_folder_says_what_is_missing() {
    let mut lab = Lab::new(&[]);
    for (value, problem) in [
        ("", "it is empty"),
        ("some/where", "a relative path points elsewhere"),
        ("/no/such/place", "no such folder exists"),
    ] {
        lab.set("LIBTORCH", value);
        let said = rejected(&lab);
        assert!(said.contains(problem), "{said}");
    }
    write_libtorch(&lab.path("mine"), "2.13.0");
    lab.set("LIBTORCH", lab.path("mine"));
    fs::remove_file(lab.path("mine/lib/libtorch_cpu.so")).expect("it existed");
    assert!(rejected(&lab).contains("has none of libtorch_cpu.so, libtorch_cpu.dylib, torch_cpu.dll"));
    fs::remove_dir_all(lab.path("mine/include")).expect("it existed");
    assert!(rejected(&lab).contains("has no `include/torch/csrc/api/include/torch/torch.h`"));
}

#[test]
fn the_message_about_a_missing_pytorch_quotes_python() {
    let mut lab = Lab::new(&["python3"]);
    lab.set("LIBTORCH_USE_PYTORCH", "0");
    let said = rejected(&lab);
    for word in ["any value counts", "No module named 'torch'", "python3 -m pip install torch==2.13.0"] {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
    fs::remove_file(lab.path("bin/python3")).expect("it existed");
    assert!(rejected(&lab).contains("`python3` is not on PATH"));
}

#[test]
fn does_not_use_an_incomplete_or_outdated_folder_of_the_workspace() {
    let lab = Lab::new(&[]);
    let own = lab.root(".libtorch");
    let unfit = || match libtorch::find(&lab.machine) {
        Ok(Found::Unfit(problem)) => problem,
        other => panic!("used: {other:?}"),
    };
    write_libtorch(&own, "2.12.1+cpu");
    assert!(unfit().contains("it is version 2.12.1+cpu, but tch 0.26 needs 2.13.0"));
    write_libtorch(&own, "2.13.0");
    fs::write(own.join("lib/libc10.so"), "").expect("writable");
    assert!(unfit().contains("`lib/libc10.so` is missing or empty"));
    fs::remove_file(own.join("lib/libtorch_cpu.so")).expect("it existed");
    fs::write(own.join("lib/libc10.so"), "c10").expect("writable");
    assert!(unfit().contains("`lib/libtorch_cpu.so`"));
}

#[test]
fn the_message_about_a_missing_compiler_names_it() {
    let mut lab = Lab::new(&[]);
    let said = |lab: &Lab| libtorch::compiler(&lab.machine).expect_err("there is none").to_string();
    assert!(said(&lab).contains("neither `c++` nor `g++` nor `clang++`"));
    assert!(said(&lab).contains("sudo apt install g++"));
    lab.install("c++", "clang++");
    assert!(said(&lab).contains("set CXX=clang++"), "torch-sys looks for `c++`");
    lab.set("CXX", "clang++ -stdlib=libc++");
    libtorch::compiler(&lab.machine).expect("it exists, with an option");
    lab.set("CXX", "icpx");
    assert!(said(&lab).contains("CXX is `icpx`"));
    lab.install("c++", "c++");
    lab.machine.vars.remove("CXX".as_ref() as &std::ffi::OsStr);
    libtorch::compiler(&lab.machine).expect("it exists");
}

#[test]
fn the_versions_are_those_of_the_tch_in_use() {
    // The build script of torch-sys asks for this version of libtorch. After an update of tch, look there.
    assert_eq!((TCH, LIBTORCH), ("0.26", "2.13.0"));
    assert_eq!(wheel::TORCH.requirement, format!("torch=={LIBTORCH}"));
    let lock = include_str!("../../../Cargo.lock");
    assert!(lock.contains("name = \"torch-sys\"\nversion = \"0.26."), "tch has changed: update `versions.rs`");
}

#[test]
fn an_unusable_folder_is_an_error_of_its_own_kind() {
    let mut lab = Lab::new(&[]);
    lab.set("LIBTORCH", "/no/such/place");
    assert!(matches!(libtorch::find(&lab.machine), Err(Error::NotLibtorch { .. })));
}
