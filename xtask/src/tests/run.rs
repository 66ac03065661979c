//! Cargo is called with the right arguments and the right library path.

use std::{
    ffi::{OsStr, OsString},
    iter,
    path::PathBuf,
    process::Command,
};

use clap::Parser;

use super::Lab;
use crate::{
    Cli,
    libtorch::{Libtorch, Origin},
    machine::Platform,
    run::{self, Bench},
};

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

fn line(words: &[OsString]) -> String {
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}

fn libtorch(lib: &str) -> Libtorch {
    Libtorch { origin: Origin::Own, version: "2.13.0".to_owned(), lib: PathBuf::from(lib) }
}

fn var(command: &Command, name: &str) -> Option<OsString> {
    command.get_envs().find(|(key, _)| *key == OsStr::new(name)).and_then(|(_, value)| value.map(OsStr::to_owned))
}

/// The arguments with which `cargo xtask …` calls cargo.
fn typed(command: &str) -> String {
    let cli = Cli::try_parse_from(iter::once("xtask").chain(command.split_whitespace())).expect("a good command");
    cli.chore.arguments().as_deref().map(line).unwrap_or_default()
}

#[test]
fn arguments_stay_on_their_side_of_the_dashes() {
    assert_eq!(typed("setup --force"), "");
    assert_eq!(typed("test"), "test");
    assert_eq!(typed("test --release shuffle"), "test --release shuffle");
    assert_eq!(typed("test -- --nocapture"), "test -- --nocapture");
    assert_eq!(typed("test shuffle -- --nocapture"), "test shuffle -- --nocapture");
    assert_eq!(typed("test shuffle -- -p"), "test shuffle -- -p");
    assert_eq!(typed("demo --epochs 3 -q"), "run --example mixup -- --epochs 3 -q");
    assert_eq!(typed("demo -- --help"), "run --example mixup -- --help");
    assert_eq!(typed("demo a -- --b"), "run --example mixup -- a -- --b", "the order is kept");
    assert_eq!(typed("bench --peers"), "bench --bench peers");
    assert_eq!(typed("bench mix --peers -- --quick"), "bench --bench mix --bench peers -- --quick");
    assert_eq!(typed("bench mix loop -- --quick"), "bench --bench mix --bench loop -- --quick");
}

#[test]
fn the_message_about_an_unknown_bench_lists_the_known_ones() {
    let message = Cli::try_parse_from(["xtask", "bench", "mixing"]).err().expect("there is none").to_string();
    assert!(message.contains("'mixing'") && message.contains("[possible values: loop, step, mix, "), "{message}");
}

#[test]
fn tests_run_for_the_packages_that_are_selected() {
    let call = |args: &str, rest: &str| line(&run::test(words(args), words(rest)));
    assert_eq!(call("shuffle", "--nocapture"), "test shuffle -- --nocapture");
    assert_eq!(call("-p mixup", ""), "test -p mixup");
    assert_eq!(call("--package=mixup --doc", ""), "test --package=mixup --doc");
    assert_eq!(call("", "-p"), "test -- -p", "what follows the dashes is not cargo's");
}

#[test]
fn the_demo_gets_all_arguments() {
    let call = |args: &str, rest: &str| line(&run::demo(words(args), words(rest)));
    assert_eq!(call("", ""), "run --example mixup");
    assert_eq!(call("--epochs 3", ""), "run --example mixup -- --epochs 3");
    assert_eq!(call("", "--help"), "run --example mixup -- --help");
}

#[test]
fn all_benches_run_unless_some_are_named() {
    let call = |names: &[Bench], rest: &str| line(&run::bench(names, false, words(rest)));
    assert_eq!(
        call(&[], ""),
        "bench --bench loop --bench step --bench mix --bench loss --bench epoch --bench checkpoint --bench loader --bench compile"
    );
    assert_eq!(call(&[Bench::Mix], "--quick"), "bench --bench mix -- --quick");
}

#[test]
fn libtorch_s_libraries_come_first_on_the_library_path() {
    let mut lab = Lab::new(&[]);
    let path = |lab: &Lab, name| var(&run::cargo(&lab.machine, &libtorch("/a/lib"), &[]), name);
    assert_eq!(path(&lab, "LD_LIBRARY_PATH"), Some("/a/lib".into()));
    lab.set("LD_LIBRARY_PATH", "/b:/c");
    assert_eq!(path(&lab, "LD_LIBRARY_PATH"), Some("/a/lib:/b:/c".into()));
    lab.machine.platform = Platform { os: "macos", arch: "aarch64", glibc: false };
    assert_eq!(path(&lab, "DYLD_FALLBACK_LIBRARY_PATH"), Some("/a/lib".into()));
}

#[test]
fn cargo_gets_the_libtorch_of_the_user_and_not_that_of_its_configuration() {
    let mut lab = Lab::new(&[]);
    lab.set("LIBTORCH", lab.root(".libtorch"));
    let given = |lab: &Lab| var(&run::cargo(&lab.machine, &libtorch("/a/lib"), &[]), "LIBTORCH");
    assert_eq!(given(&lab), None, "otherwise torch-sys would be rebuilt again and again");
    lab.set("LIBTORCH", "/mine");
    assert_eq!(given(&lab), Some("/mine".into()));
}

#[test]
fn calls_the_cargo_that_runs_xtask_without_the_variables_of_the_package_xtask() {
    let mut lab = Lab::new(&[]);
    lab.set("CARGO", "/toolchain/cargo");
    lab.set("CARGO_PKG_NAME", "xtask");
    lab.set("CARGO_MANIFEST_DIR", "/workspace/xtask");
    lab.set("CARGO_TARGET_DIR", "/elsewhere");
    let command = run::cargo(&lab.machine, &libtorch("/a/lib"), &words("test"));
    assert_eq!(command.get_program(), "/toolchain/cargo");
    assert_eq!(command.get_current_dir(), Some(lab.machine.root.as_path()));
    assert_eq!(var(&command, "CARGO_PKG_NAME"), None);
    assert_eq!(var(&command, "CARGO_MANIFEST_DIR"), None);
    assert_eq!(var(&command, "CARGO_TARGET_DIR"), Some("/elsewhere".into()));
}
