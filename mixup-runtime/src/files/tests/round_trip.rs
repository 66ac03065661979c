//! What is written and read again is the same, on a real disk too.

use std::{fs, path::Path};

use proptest::{collection::vec, prelude::*};
use sha2::{Digest as _, Sha256};
use tch::{Device, Kind, Tensor};

use super::{
    super::archive::{read_bytes, read_foreign_bytes},
    bits, small, written,
};
use crate::{
    files::{Archive, FileError, RealDisk, lock_folder, make_folder, remove_stale},
    state::KINDS,
};

fn one(name: &str, tensor: Tensor) -> Archive {
    Archive { tensors: [(name.to_owned(), tensor)].into(), ..Archive::default() }
}

proptest! {
    #[test]
    fn any_tensor_comes_back_to_the_bit(
        kind in 0..KINDS.len(),
        shape in vec(0_i64..4, 0..4),
        bytes in vec(any::<u8>(), 27 * 8),
        name in "\\PC{0,12}",
        text in "\\PC{0,12}",
    ) {
        let (_, kind) = KINDS[kind];
        let numbers: i64 = shape.iter().product();
        let mut bytes = bytes[..numbers as usize * kind.elt_size_in_bytes()].to_vec();
        if kind == Kind::Bool {
            for byte in &mut bytes {
                *byte &= 1;
            }
        }
        let mut archive = one(&name, Tensor::from_data_size(&bytes, &shape, kind));
        archive.metadata.insert(text.clone(), text);
        let file = written(&archive);
        prop_assert_eq!(bits(&read_bytes(&file).expect("it is whole")), bits(&archive));
        prop_assert_eq!(bits(&read_foreign_bytes(&file).expect("it is whole")), bits(&archive));
    }
}

#[test]
fn empty_tensors_that_begin_where_others_do_are_read_in_any_number() {
    for _ in 0..20 {
        let empty = |kind| Tensor::zeros([0], (kind, Device::Cpu));
        let kinds = [Kind::Double, Kind::Int64, Kind::Float, Kind::Uint8];
        let tensors =
            kinds.into_iter().flat_map(|kind| ["a", "b", "c"].map(|name| (format!("{name}{kind:?}"), empty(kind))));
        let mut archive = Archive { tensors: tensors.collect(), ..Archive::default() };
        archive.tensors.insert("full".to_owned(), Tensor::from_slice(&[1.0_f32, 2.0]));
        assert_eq!(bits(&read_bytes(&written(&archive)).expect("it is whole")), bits(&archive));
    }
}

#[test]
fn a_view_is_written_as_the_numbers_that_it_shows() {
    let base = Tensor::arange(12, (Kind::Float, Device::Cpu)).reshape([3, 4]);
    let views = [
        base.transpose(0, 1),
        base.narrow(1, 1, 2),
        base.select(0, 1),
        base.slice(1, 0, 4, 2),
        Tensor::from(2.5).expand([3, 2], false),
        base.flip([0]),
        base.set_requires_grad(true),
        Tensor::complex(&base.detach().narrow(0, 0, 1), &base.detach().narrow(0, 1, 1)).conj(),
    ];
    for view in views {
        let read = read_bytes(&written(&one("view", view.shallow_clone()))).expect("it is whole");
        let read = &read.tensors["view"];
        assert!(read.is_contiguous() && !read.requires_grad());
        assert_eq!((read.kind(), read.size()), (view.kind(), view.size()));
        assert_eq!(*read, view.detach().resolve_conj());
    }
}

#[test]
fn a_tensor_larger_than_the_buffer_is_written_in_parts() {
    let numbers = Tensor::arange(700_001, (Kind::Float, Device::Cpu)).reshape([700_001, 1]);
    let both = Tensor::cat(&[&numbers, &(-&numbers)], 1).transpose(0, 1);
    let read = read_bytes(&written(&one("both", both.shallow_clone()))).expect("it is whole");
    assert_eq!(read.tensors["both"], both);
}

/// The digest as the module describes it: of the whole file, with 64 zeros in its own place.
#[test]
fn the_digest_is_the_sha_256_of_the_file_with_zeros_in_its_place() {
    let mut file = written(&small());
    let name = b"\"mixup.sha256\":\"";
    let start = file.windows(name.len()).position(|part| part == name).expect("it is there") + name.len();
    let digest = String::from_utf8(file[start..start + 64].to_vec()).expect("it is hexadecimal");
    file[start..start + 64].fill(b'0');
    let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(&digest[at..at + 2], 16).expect("two digits"));
    assert_eq!(bytes.collect::<Vec<_>>(), Sha256::digest(&file).to_vec());
}

#[test]
fn what_safetensors_cannot_hold_is_not_written() {
    let kind = Tensor::zeros([2], (Kind::ComplexDouble, Device::Cpu));
    for (archive, message) in [
        (one("a", Tensor::new()), "`f` can't be written: the tensor `a` is not defined"),
        (
            one("a", kind),
            "`f` can't be written: the tensor `a` is of the kind ComplexDouble, which safetensors does not have",
        ),
        (
            one("__metadata__", Tensor::from(1)),
            "`f` can't be written: its header is wrong: no tensor can be called `__metadata__`",
        ),
    ] {
        let disk = super::SimDisk::default();
        assert_eq!(archive.write(&disk, Path::new("f")).expect_err("it can't be written").to_string(), message);
        assert!(disk.files().is_empty());
    }
    for name in ["format", "mixup.sha256", "mixup.format"] {
        let archive = Archive { metadata: [(name.to_owned(), String::new())].into(), ..Archive::default() };
        let error = archive.write(&super::SimDisk::default(), Path::new("f")).expect_err("it is reserved");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn on_a_real_disk_the_new_file_takes_the_place_of_the_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (disk, path) = (RealDisk, folder.path().join("model.safetensors"));
    for number in 0..3 {
        let archive = one("x", Tensor::from(number));
        archive.write(&disk, &path).expect("there is room");
        assert_eq!(bits(&Archive::read(&disk, &path).expect("it is whole")), bits(&archive));
    }
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "a temporary file is left");
}

#[test]
fn what_is_no_file_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("none/model.safetensors");
    let error = small().write(&RealDisk, &missing).expect_err("there is no folder");
    assert!(error.to_string().contains("none/model.safetensors` can't be written: No such file"), "{error}");
    assert!(error.to_string().ends_with("check the path: the file or one of its folders does not exist"), "{error}");
    assert!(matches!(Archive::read(&RealDisk, &missing), Err(FileError::Read { .. })));
    let error = Archive::read(&RealDisk, folder.path()).expect_err("it is a folder");
    assert!(error.to_string().contains("it is not a regular file"), "{error}");
    assert!(matches!(small().write(&RealDisk, Path::new("/")), Err(FileError::NoName { .. })));
}

#[test]
fn stale_temporary_files_are_removed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let stale = [".a.safetensors.12-0.mixup-tmp", ".a.b.9-31.mixup-tmp"];
    let others =
        ["a.safetensors", ".other.1-2.mixup-tmp", ".a.safetensors.x-1.mixup-tmp", ".a.mixup-tmp", "a.12-0.mixup-tmp"];
    for name in stale.iter().chain(&others) {
        fs::write(folder.path().join(name), "x").expect("there is room");
    }
    let removed = remove_stale(&RealDisk, folder.path(), |name| name.starts_with('a')).expect("it can be listed");
    let mut wanted: Vec<_> = stale.iter().map(|name| folder.path().join(name)).collect();
    wanted.sort();
    assert_eq!(removed, wanted);
    assert!(others.iter().all(|name| folder.path().join(name).exists()));
}

#[test]
fn a_folder_is_created_with_those_that_it_is_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("runs/a/b");
    make_folder(&RealDisk, &deep).expect("there is room");
    make_folder(&RealDisk, &deep).expect("it is there");
    assert!(deep.is_dir());
}

#[test]
fn a_locked_folder_has_one_user_until_the_lock_is_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = lock_folder(&RealDisk, folder.path()).expect("it is free");
    let error = lock_folder(&RealDisk, folder.path()).err().expect("it is taken");
    assert!(error.to_string().contains("is in use by another training"), "{error}");
    drop(lock);
    assert!(lock_folder(&RealDisk, folder.path()).is_ok());
}
