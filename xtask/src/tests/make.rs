//! `.libtorch/` is made once, completely or not at all.

use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{Lab, TORCH, write_libtorch};
use crate::{
    error::Error,
    machine::Platform,
    setup::{self, Ready},
};

const ALL: [&str; 3] = ["torch==2.13.0", "nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];

fn made(lab: &Lab) -> Ready {
    setup::ensure(&lab.machine, false).expect("the set-up succeeds")
}

fn failed(lab: &Lab) -> Error {
    setup::ensure(&lab.machine, false).expect_err("the set-up fails")
}

/// The content of a folder as sorted lines `path: text` or `path -> target`.
fn listing(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, lines: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            let name = path.strip_prefix(root).expect("it is in the root").display().to_string();
            if let Ok(to) = fs::read_link(&path) {
                lines.push(format!("{name} -> {}", to.display()));
            } else if path.is_dir() {
                walk(&path, root, lines);
            } else {
                lines.push(format!("{name}: {}", fs::read_to_string(&path).expect("text").trim()));
            }
        }
    }
    let mut lines = Vec::new();
    walk(folder, folder, &mut lines);
    lines.sort();
    lines
}

const LAYOUT: [&str; 9] = [
    "build-version: 2.13.0+cu130",
    "include/c10/macros/Macros.h: // macros",
    "include/torch/csrc/api/include/torch/torch.h: // all of torch",
    "lib/libc10.so: c10",
    "lib/libcudart.so.13: cudart",
    "lib/libcupti.so.13: cupti",
    "lib/libgomp.so.1: gomp",
    "lib/libtorch.so -> libtorch_cpu.so",
    "lib/libtorch_cpu.so: the processor's",
];

#[test]
fn pip_s_wheels_become_a_complete_libtorch_and_a_second_call_does_nothing() {
    let lab = Lab::new(&["python3", "c++"]);
    assert!(made(&lab).sentence().contains("is ready in .libtorch"));
    assert_eq!(listing(&lab.root(".libtorch")), LAYOUT);
    assert_eq!(lab.requests(), ALL);
    assert_eq!(lab.names(), [".libtorch", ".libtorch.lock"]);

    let lines = lab.printed().len();
    let again = made(&lab);
    assert_eq!(again.sentence(), "libtorch 2.13.0+cu130 already exists in .libtorch: nothing to do");
    assert_eq!(lab.requests(), ALL, "nothing is downloaded a second time");
    assert_eq!(lab.printed().len(), lines, "only the sentence is printed");
}

#[test]
fn packages_installed_by_uv_become_the_same_libtorch() {
    let lab = Lab::new(&["uv", "c++"]);
    made(&lab);
    assert_eq!(listing(&lab.root(".libtorch")), LAYOUT);
    assert_eq!(lab.requests(), ALL);
}

#[test]
fn uv_replaces_a_python_without_pip() {
    let mut lab = Lab::new(&["python3", "uv", "c++"]);
    lab.set("FAKE_NO_PIP", "1");
    made(&lab);
    assert!(lab.printed().iter().any(|line| line.contains("with uv")), "{:?}", lab.printed());
}

#[test]
fn a_python_called_python_is_used_too() {
    let lab = Lab::new(&["c++"]);
    lab.install("python3", "python");
    made(&lab);
    assert_eq!(lab.requests(), ALL);
}

#[test]
fn a_build_without_cuda_needs_no_wheels_of_cuda() {
    let lab = Lab::new(&["python3", "c++"]);
    let mut files = TORCH;
    files[0].1 = "__version__ = '2.13.0+cpu'\n";
    lab.offer("torch", &files);
    assert_eq!(made(&lab).libtorch.version, "2.13.0+cpu");
    assert_eq!(lab.requests(), ["torch==2.13.0"]);
}

#[test]
fn force_replaces_it() {
    let lab = Lab::new(&["python3", "c++"]);
    made(&lab);
    fs::write(lab.root(".libtorch/lib/libc10.so"), "damaged").expect("writable");
    setup::ensure(&lab.machine, true).expect("it succeeds");
    assert_eq!(listing(&lab.root(".libtorch")), LAYOUT);
    assert_eq!(lab.requests().len(), 2 * ALL.len());
    assert_eq!(lab.names(), [".libtorch", ".libtorch.lock"]);
}

#[test]
fn force_is_rejected_if_its_result_would_not_be_used() {
    let mut lab = Lab::new(&["python3", "c++"]);
    write_libtorch(&lab.path("mine"), "2.13.0");
    lab.set("LIBTORCH", lab.path("mine"));
    let error = setup::ensure(&lab.machine, true).expect_err("it is useless");
    assert!(error.to_string().contains("unset LIBTORCH first"), "{error}");
    assert!(made(&lab).sentence().contains("(LIBTORCH)"));
    assert_eq!(lab.requests(), [""; 0]);
}

#[test]
fn replaces_a_folder_of_another_version_and_says_so() {
    let lab = Lab::new(&["python3", "c++"]);
    write_libtorch(&lab.root(".libtorch"), "2.12.0");
    fs::write(lab.root(".libtorch/left-over"), "old").expect("writable");
    made(&lab);
    assert_eq!(listing(&lab.root(".libtorch")), LAYOUT);
    let printed = lab.printed();
    assert!(printed.iter().any(|line| line.contains(".libtorch is unusable (it is version 2.12.0")), "{printed:?}");
}

#[test]
fn replaces_a_link_of_the_user_s_and_not_its_target() {
    let lab = Lab::new(&["python3", "c++"]);
    write_libtorch(&lab.path("old"), "2.12.0");
    std::os::unix::fs::symlink(lab.path("old"), lab.root(".libtorch")).expect("the name is free");
    made(&lab);
    assert_eq!(listing(&lab.root(".libtorch")), LAYOUT);
    assert!(lab.path("old/lib/libtorch_cpu.so").exists());
}

#[test]
fn removes_the_remains_of_a_killed_set_up() {
    let lab = Lab::new(&["python3", "c++"]);
    write_libtorch(&lab.root(".libtorch.partial-dead/libtorch"), "2.13.0+cu130");
    made(&lab);
    assert_eq!(lab.requests(), ALL, "it was made from the beginning");
    assert_eq!(lab.names(), [".libtorch", ".libtorch.lock"]);

    write_libtorch(&lab.root(".libtorch.partial-forced/libtorch"), "2.13.0+cu130");
    made(&lab);
    assert_eq!(lab.names(), [".libtorch", ".libtorch.lock"], "removed even if nothing needs to be made");
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let lab = Lab::new(&["python3", "c++"]);
    fs::remove_file(lab.path("wheels/nvidia-cuda-cupti.whl")).expect("it existed");
    let error = failed(&lab).to_string();
    assert!(error.contains("pip could not download nvidia-cuda-cupti==13.0.85"), "{error}");
    assert_eq!(lab.names(), [".libtorch.lock"]);
}

#[test]
fn ctrl_c_ends_pip_and_leaves_nothing_behind() {
    let mut lab = Lab::new(&["python3", "c++"]);
    lab.set("FAKE_HANGS", "1");
    let interrupted = Arc::clone(&lab.machine.interrupted);
    let start = Instant::now();
    let presser = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        interrupted.store(true, Ordering::Relaxed);
    });
    assert!(matches!(failed(&lab), Error::Interrupted));
    presser.join().expect("it only sets a flag");
    assert!(start.elapsed() < Duration::from_secs(60), "pip was ended, not waited for");
    assert_eq!(lab.names(), [".libtorch.lock"]);
    lab.machine.interrupted.store(false, Ordering::Relaxed);
    lab.machine.vars.remove(std::ffi::OsStr::new("FAKE_HANGS"));
    made(&lab);
    assert_eq!(listing(&lab.root(".libtorch")), LAYOUT);
}

#[test]
fn a_set_up_waits_for_another_and_uses_its_result() {
    let lab = Lab::new(&["python3", "c++"]);
    let lock = File::create(lab.root(".libtorch.lock")).expect("writable");
    lock.lock().expect("it is free");
    write_libtorch(&lab.root(".libtorch.partial-alive/libtorch"), "2.13.0");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| made(&lab));
        while lab.printed().is_empty() {
            thread::sleep(Duration::from_millis(10));
        }
        assert!(lab.printed()[0].contains("waiting for another"));
        assert!(lab.root(".libtorch.partial-alive").exists(), "the files of the other one are left alone");
        fs::rename(lab.root(".libtorch.partial-alive/libtorch"), lab.root(".libtorch")).expect("the last step");
        drop(lock);
        let ready = waiting.join().expect("no panic");
        assert!(ready.sentence().contains("nothing to do"));
    });
    assert_eq!(lab.requests(), [""; 0]);
}

#[test]
fn two_set_ups_at_once_make_it_once() {
    let lab = Lab::new(&["python3", "c++"]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| made(&lab));
        }
    });
    assert_eq!(lab.requests(), ALL);
    assert_eq!(listing(&lab.root(".libtorch")), LAYOUT);
}

#[test]
fn the_message_about_a_missing_python_says_what_to_install() {
    let lab = Lab::new(&["c++"]);
    let said = failed(&lab).to_string();
    for word in ["neither Python", "`uv`", "sudo apt install python3-pip", "cargo xtask setup"] {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

#[test]
fn a_python_without_pip_has_a_message_of_its_own() {
    let mut lab = Lab::new(&["python3", "c++"]);
    lab.set("FAKE_NO_PIP", "1");
    let said = failed(&lab).to_string();
    assert!(said.contains("python3 -m pip` does not run") && said.contains("ensurepip"), "{said}");
}

#[test]
fn the_message_about_a_failed_download_quotes_pip_and_says_what_to_do() {
    let mut lab = Lab::new(&["python3", "c++"]);
    lab.set("FAKE_FAILURE", "No matching distribution found for torch==2.13.0");
    let said = failed(&lab).to_string();
    assert!(said.contains("torch==2.13.0 («No matching distribution found for torch==2.13.0»)"), "{said}");
    assert!(said.contains("check the network"), "{said}");
    assert!(lab.printed().iter().any(|line| line.starts_with("ERROR: No matching")), "it is shown immediately");
}

#[test]
fn the_message_about_a_failed_download_quotes_uv_with_the_causes() {
    let mut lab = Lab::new(&["uv", "c++"]);
    lab.set("FAKE_FAILURE", "Request failed");
    let said = failed(&lab).to_string();
    assert!(said.contains("uv could not download torch==2.13.0 («Request failed; cause: of another cause»)"), "{said}");
}

#[test]
fn a_full_disk_is_reported_before_and_during_the_set_up() {
    let mut lab = Lab::new(&["python3", "c++"]);
    lab.set("FAKE_FAILURE", "Could not install packages due to an OSError: [Errno 28] No space left on device");
    assert!(matches!(failed(&lab), Error::FullDisk { .. }));
    let written = Error::io("write", Path::new("libtorch_cpu.so"))(io::ErrorKind::StorageFull.into());
    assert!(written.to_string().contains("the disk became full while writing libtorch_cpu.so"), "{written}");
    lab.machine.free = |_| Some(900_000_000);
    let said = failed(&lab).to_string();
    assert!(said.contains("needs 1200 MB of disk space") && said.contains("only 900 MB are free"), "{said}");
    assert_eq!(lab.names(), [".libtorch.lock"]);
}

#[test]
fn the_message_about_another_platform_says_what_to_do_by_hand() {
    let mut lab = Lab::new(&["python3", "c++"]);
    let others = [
        Platform { os: "macos", arch: "aarch64", glibc: false },
        Platform { os: "linux", arch: "aarch64", glibc: true },
        Platform { os: "linux", arch: "x86_64", glibc: false },
    ];
    for platform in others {
        lab.machine.platform = platform;
        let said = failed(&lab).to_string();
        let words = [platform.os, platform.arch, "LIBTORCH_USE_PYTORCH=1", "set LIBTORCH to its folder", "2.13.0"];
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
    write_libtorch(&lab.path("mine"), "2.13.0");
    lab.set("LIBTORCH", lab.path("mine"));
    made(&lab);
}

#[test]
fn nothing_is_downloaded_without_a_compiler() {
    let lab = Lab::new(&["python3"]);
    assert!(matches!(failed(&lab), Error::NoCompiler { .. }));
    assert_eq!(lab.names(), [""; 0]);
}

#[test]
fn a_wheel_of_another_version_is_not_installed() {
    let lab = Lab::new(&["python3", "c++"]);
    let mut files = TORCH;
    files[0].1 = "__version__ = '2.13.1'\n";
    lab.offer("torch", &files);
    let said = failed(&lab).to_string();
    assert!(said.contains("it is version 2.13.1, but tch 0.26 needs 2.13.0"), "{said}");
    assert_eq!(lab.names(), [".libtorch.lock"]);
}
