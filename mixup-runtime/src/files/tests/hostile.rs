//! Bytes that are not what was written: a typed error, no panic, and never another archive.

use std::{fs, path::Path};

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::{
    super::archive::{read_bytes, read_foreign_bytes},
    small, written,
};
use crate::files::Damage;

#[test]
fn a_file_that_is_cut_off_anywhere_is_not_read() {
    let file = written(&small());
    for len in 0..file.len() {
        let damage = read_bytes(&file[..len]).expect_err("it is cut off");
        assert!(matches!(damage, Damage::Truncated { .. }), "{len}: {damage}");
        assert!(read_foreign_bytes(&file[..len]).is_err(), "{len}");
    }
}

#[test]
fn a_file_with_something_after_its_end_is_not_read() {
    let mut file = written(&small());
    file.push(0);
    assert!(matches!(read_bytes(&file), Err(Damage::TooLong { .. })));
}

#[test]
fn a_file_with_one_changed_byte_is_not_read() {
    let file = written(&small());
    for at in 0..file.len() {
        for mask in (0..8).map(|bit| 1 << bit).chain([0xff, 0x55]) {
            let mut changed = file.clone();
            changed[at] ^= mask;
            assert!(read_bytes(&changed).is_err(), "byte {at} with {mask:#x} is accepted");
            // It has two signs of this library, so one change does not turn it into a file of others.
            assert!(read_foreign_bytes(&changed).is_err(), "byte {at} with {mask:#x} is accepted as that of others");
        }
    }
}

#[test]
fn the_file_of_another_program_is_read_only_where_no_digest_is_wanted() {
    let header = json!({"w": {"dtype": "I16", "shape": [2], "data_offsets": [0, 4]}});
    let file = with_header(&header.to_string(), &[1, 0, 2, 0]);
    assert_eq!(read_bytes(&file).err(), Some(Damage::NoDigest));
    let read = read_foreign_bytes(&file).expect("it is whole");
    assert_eq!(read.tensors["w"], tch::Tensor::from_slice(&[1_i16, 2]));
}

#[test]
fn headers_that_lie_are_refused() {
    let tensor = |dtype: &str, shape: serde_json::Value, offsets: [u64; 2]| json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
    let huge = u64::MAX;
    for (header, bytes) in [
        (json!({"a": tensor("U8", json!([4]), [0, 4]), "b": tensor("U8", json!([4]), [2, 6])}), 6), // they overlap
        (json!({"a": tensor("U8", json!([2]), [0, 2]), "b": tensor("U8", json!([2]), [4, 6])}), 6), // there is a gap
        (json!({"a": tensor("U8", json!([4]), [4, 0])}), 4),
        (json!({"a": tensor("U8", json!([4]), [0, huge])}), 4),
        (json!({"a": tensor("F64", json!([huge]), [0, 8])}), 8),
        (json!({"a": tensor("F32", json!([1_u64 << 33, 1_u64 << 33]), [0, 8])}), 8),
        (json!({"a": tensor("F32", json!([1_u64 << 60, 0, 16]), [0, 0])}), 0), // libtorch multiplies for its strides
        (json!({"a": tensor("F32", json!([1_u64 << 60]), [0, 1_u64 << 62])}), 8),
        (json!({"a": tensor("U64", json!([1]), [0, 8])}), 8), // a kind that libtorch does not have
        (json!({"a": tensor("F3", json!([1]), [0, 8])}), 8),  // a kind that nobody has
        (json!({"a": tensor("F4", json!([1]), [0, 1])}), 1),
        (json!({"a": tensor("BOOL", json!([1]), [0, 1])}), 1), // the byte is 7
        (json!({"a": tensor("U8", json!([-1]), [0, 1])}), 1),
        (json!({"__metadata__": {"mixup.format": "99"}}), 0),
        (json!({"__metadata__": {"mixup.sha256": "00"}}), 0),
        (json!([1, 2]), 0),
        (json!("text"), 0),
    ] {
        let file = with_header(&header.to_string(), &vec![7; bytes]);
        let damage = read_foreign_bytes(&file).expect_err(&header.to_string());
        assert!(!damage.to_string().contains('\n'), "{damage}");
    }
    let deep = "[".repeat(100_000);
    assert!(read_foreign_bytes(&with_header(&deep, &[])).is_err());
    assert!(matches!(read_foreign_bytes(&huge.to_le_bytes()), Err(Damage::Header { .. })));
    assert!(matches!(read_foreign_bytes(&50_000_000_u64.to_le_bytes()), Err(Damage::Truncated { .. })));
}

/// The inputs with which the fuzzer begins. A script wrote those of ours by the rules of `layout`, not this library.
#[test]
fn the_inputs_of_the_fuzzer_are_read_or_refused_as_their_names_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/layout");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let file = fs::read(&path).expect("it can be read");
        let (ours, foreign) = (read_bytes(&file), read_foreign_bytes(&file));
        assert_eq!(ours.is_ok(), ["ours", "ours_empty"].contains(&&*name), "{name}: {ours:?}");
        assert_eq!(foreign.is_ok(), ours.is_ok() || name.starts_with("foreign"), "{name}: {foreign:?}");
        names.push(name);
    }
    assert!(names.len() > 10, "{names:?}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(read_bytes(&bytes).is_err());
        let _ = read_foreign_bytes(&with_header(&String::from_utf8_lossy(&bytes), &bytes));
    }

    /// Parts of a true file in another order, or twice.
    #[test]
    fn no_shuffled_file_is_read(cuts in vec((0_usize..700, 0_usize..700), 1..6)) {
        let file = written(&small());
        let part = |(a, b): &(usize, usize)| &file[(*a.min(b)).min(file.len())..(*a.max(b)).min(file.len())];
        let mut shuffled: Vec<u8> = file[..8].to_vec();
        shuffled.extend(cuts.iter().flat_map(part));
        prop_assert!(shuffled == file || read_bytes(&shuffled).is_err());
    }
}

fn with_header(header: &str, bytes: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), bytes].concat()
}
