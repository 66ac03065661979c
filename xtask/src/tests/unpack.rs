//! Files are extracted from a wheel or a folder in the same way, and errors name the missing or damaged file.

use std::fs;

use zip::CompressionMethod;

use super::{Lab, TORCH, write_folder, write_wheel, write_wheel_as};
use crate::{
    error::Error,
    wheel::{self, Source},
};

/// Extracts the files of PyTorch from these files, given as a wheel and as a folder.
fn extract_both(lab: &Lab, files: &[(&str, &str)]) -> [Result<(), Error>; 2] {
    write_wheel(&lab.path("torch.whl"), files);
    write_folder(&lab.path("installed"), files);
    ["torch.whl", "installed"].map(|name| {
        let mut source = Source::open(&lab.path(name))?;
        wheel::extract(&lab.machine, &wheel::TORCH, &mut source, &lab.path(format!("from {name}")))
    })
}

#[test]
fn extracts_only_what_is_needed() {
    let lab = Lab::new(&[]);
    for result in extract_both(&lab, &TORCH) {
        result.expect("every file exists");
    }
    for out in ["from torch.whl", "from installed"] {
        let mut names: Vec<_> = fs::read_dir(lab.path(out).join("lib"))
            .expect("made")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["libc10.so", "libgomp.so.1", "libtorch_cpu.so"], "{out}");
        assert_eq!(
            fs::read_to_string(lab.path(out).join("include/c10/macros/Macros.h")).expect("extracted"),
            "// macros"
        );
    }
}

#[test]
fn the_message_about_a_missing_file_names_it_and_its_wheel() {
    let lab = Lab::new(&[]);
    let files: Vec<_> = TORCH.into_iter().filter(|(name, _)| !name.ends_with("libc10.so")).collect();
    for (result, place) in extract_both(&lab, &files).into_iter().zip(["torch.whl", "installed"]) {
        let said = result.expect_err("it is missing").to_string();
        assert!(said.contains(&format!("{place} has no `torch/lib/libc10.so`")), "{said}");
    }
}

#[test]
fn the_message_about_missing_headers_names_them() {
    let lab = Lab::new(&[]);
    let files: Vec<_> = TORCH.into_iter().filter(|(name, _)| !name.contains("/include/")).collect();
    for result in extract_both(&lab, &files) {
        assert!(matches!(result, Err(Error::Missing { missing, .. }) if missing == "torch/include/"));
    }
}

#[test]
fn reads_the_version_from_the_module_or_reports_that_it_is_missing() {
    let lab = Lab::new(&[]);
    for name in ["wheels/torch.whl", "wheels/torch"] {
        let mut source = Source::open(&lab.path(name)).expect("readable");
        assert_eq!(wheel::version(&mut source).expect("it is there"), "2.13.0+cu130");
    }
    let mut other = Source::open(&lab.path("wheels/nvidia-cuda-cupti.whl")).expect("readable");
    let said = wheel::version(&mut other).expect_err("it is not torch").to_string();
    assert!(said.contains("nvidia-cuda-cupti.whl has no `torch/version.py`"), "{said}");
}

#[test]
fn a_truncated_wheel_is_reported_as_damaged() {
    let lab = Lab::new(&[]);
    let whole = fs::read(lab.path("wheels/torch.whl")).expect("readable");
    fs::write(lab.path("truncated.whl"), &whole[..whole.len() / 2]).expect("writable");
    let said = Source::open(&lab.path("truncated.whl")).err().expect("it is truncated").to_string();
    assert!(said.contains("truncated.whl is damaged at `its list of files`"), "{said}");
}

#[test]
fn the_message_about_a_changed_byte_names_its_file() {
    let lab = Lab::new(&[]);
    // Without compression, a known text appears among the bytes of the wheel.
    write_wheel_as(&lab.path("torch.whl"), &TORCH, CompressionMethod::Stored);
    let mut bytes = fs::read(lab.path("torch.whl")).expect("readable");
    let text = b"the processor's";
    let at = bytes.windows(text.len()).position(|part| part == text).expect("it is there");
    bytes[at] = b'y';
    fs::write(lab.path("torch.whl"), bytes).expect("writable");
    let mut source = Source::open(&lab.path("torch.whl")).expect("its list is good");
    let said =
        wheel::extract(&lab.machine, &wheel::TORCH, &mut source, &lab.path("out")).expect_err("damaged").to_string();
    assert!(said.contains("torch.whl is damaged at `torch/lib/libtorch_cpu.so`"), "{said}");
}

#[test]
fn rejects_a_name_that_points_outside_of_the_wheel() {
    let lab = Lab::new(&[]);
    let mut files = TORCH.to_vec();
    files.push(("torch/include/../../../evil.h", "evil"));
    write_wheel(&lab.path("torch.whl"), &files);
    let mut source = Source::open(&lab.path("torch.whl")).expect("readable");
    let said = wheel::extract(&lab.machine, &wheel::TORCH, &mut source, &lab.path("out"))
        .expect_err("it is rejected")
        .to_string();
    assert!(said.contains("points outside of the wheel"), "{said}");
    assert!(!lab.path("evil.h").exists());
}
