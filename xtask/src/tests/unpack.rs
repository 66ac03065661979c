//! Files are taken out of a wheel or a folder alike; what is missing or damaged is named.

use std::fs;

use zip::CompressionMethod;

use super::{Lab, TORCH, write_folder, write_wheel, write_wheel_as};
use crate::{
    error::Error,
    wheel::{self, Source},
};

/// Takes torch's part out of both forms of these files; what the errors say.
fn take_both(lab: &Lab, files: &[(&str, &str)]) -> [Result<(), Error>; 2] {
    write_wheel(&lab.path("torch.whl"), files);
    write_folder(&lab.path("installed"), files);
    ["torch.whl", "installed"].map(|name| {
        let mut source = Source::open(&lab.path(name))?;
        wheel::take(&lab.machine, &wheel::TORCH, &mut source, &lab.path(format!("out of {name}")))
    })
}

#[test]
fn only_what_is_wanted_is_taken() {
    let lab = Lab::new(&[]);
    for result in take_both(&lab, &TORCH) {
        result.expect("all is there");
    }
    for out in ["out of torch.whl", "out of installed"] {
        let mut names: Vec<_> = fs::read_dir(lab.path(out).join("lib"))
            .expect("made")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["libc10.so", "libgomp.so.1", "libtorch_cpu.so"], "{out}");
        assert_eq!(fs::read_to_string(lab.path(out).join("include/c10/macros/Macros.h")).expect("taken"), "// macros");
    }
}

#[test]
fn a_missing_file_is_named_together_with_its_wheel() {
    let lab = Lab::new(&[]);
    let files: Vec<_> = TORCH.into_iter().filter(|(name, _)| !name.ends_with("libc10.so")).collect();
    for (result, place) in take_both(&lab, &files).into_iter().zip(["torch.whl", "installed"]) {
        let said = result.expect_err("it is missing").to_string();
        assert!(said.contains(&format!("{place} has no `torch/lib/libc10.so`")), "{said}");
    }
}

#[test]
fn missing_headers_are_named() {
    let lab = Lab::new(&[]);
    let files: Vec<_> = TORCH.into_iter().filter(|(name, _)| !name.contains("/include/")).collect();
    for result in take_both(&lab, &files) {
        assert!(matches!(result, Err(Error::Missing { missing, .. }) if missing == "torch/include/"));
    }
}

#[test]
fn the_version_stands_in_the_module_or_its_absence_is_told() {
    let lab = Lab::new(&[]);
    for name in ["wheels/torch.whl", "wheels/torch"] {
        let mut source = Source::open(&lab.path(name)).expect("readable");
        assert_eq!(wheel::version(&mut source).expect("it stands there"), "2.13.0+cu130");
    }
    let mut other = Source::open(&lab.path("wheels/nvidia-cuda-cupti.whl")).expect("readable");
    let said = wheel::version(&mut other).expect_err("it is not torch").to_string();
    assert!(said.contains("nvidia-cuda-cupti.whl has no `torch/version.py`"), "{said}");
}

#[test]
fn a_wheel_that_breaks_off_is_told_as_damaged() {
    let lab = Lab::new(&[]);
    let whole = fs::read(lab.path("wheels/torch.whl")).expect("readable");
    fs::write(lab.path("torn.whl"), &whole[..whole.len() / 2]).expect("writable");
    let said = Source::open(&lab.path("torn.whl")).err().expect("it is torn").to_string();
    assert!(said.contains("torn.whl is damaged at `its list of files`"), "{said}");
}

#[test]
fn a_byte_that_changed_is_told_with_the_file_that_it_is_in() {
    let lab = Lab::new(&[]);
    // Uncompressed, so that a known text stands in the wheel's bytes as it is.
    write_wheel_as(&lab.path("torch.whl"), &TORCH, CompressionMethod::Stored);
    let mut bytes = fs::read(lab.path("torch.whl")).expect("readable");
    let text = b"the processor's";
    let at = bytes.windows(text.len()).position(|part| part == text).expect("it stands there");
    bytes[at] = b'y';
    fs::write(lab.path("torch.whl"), bytes).expect("writable");
    let mut source = Source::open(&lab.path("torch.whl")).expect("its list is good");
    let said =
        wheel::take(&lab.machine, &wheel::TORCH, &mut source, &lab.path("out")).expect_err("damaged").to_string();
    assert!(said.contains("torch.whl is damaged at `torch/lib/libtorch_cpu.so`"), "{said}");
}

#[test]
fn a_name_that_leads_out_of_the_wheel_is_refused() {
    let lab = Lab::new(&[]);
    let mut files = TORCH.to_vec();
    files.push(("torch/include/../../../evil.h", "evil"));
    write_wheel(&lab.path("torch.whl"), &files);
    let mut source = Source::open(&lab.path("torch.whl")).expect("readable");
    let said =
        wheel::take(&lab.machine, &wheel::TORCH, &mut source, &lab.path("out")).expect_err("refused").to_string();
    assert!(said.contains("leads out of the wheel"), "{said}");
    assert!(!lab.path("evil.h").exists());
}
