//! Crashes and faults while files are written: what is found is the last file that was reported as written, or a newer whole one.

use std::path::{Path, PathBuf};

use tch::Tensor;

use super::{
    super::{
        archive::read_bytes,
        sim::{Failing, Fault, Left, SimDisk, crashes},
    },
    bits, small,
};
use crate::files::{Archive, FileError, remove_stale};

/// The number by which an archive is known.
fn numbered(number: i64) -> Archive {
    let mut archive = small();
    archive.tensors.insert("number".to_owned(), Tensor::from(number));
    archive
}

/// The number of the archive under a name; an error if it is not whole.
fn number(left: &Left, path: &Path) -> Option<i64> {
    let bytes = left.get(path)?;
    let read = read_bytes(bytes).unwrap_or_else(|damage| panic!("what is left can't be read: {damage}"));
    let number = read.tensors["number"].int64_value(&[]);
    assert_eq!(bits(&read), bits(&numbered(number)));
    Some(number)
}

#[test]
fn after_a_crash_anywhere_the_last_written_file_is_there_or_a_newer_one() {
    let (disk, path) = (SimDisk::default(), PathBuf::from("runs/model"));
    let mut ends = Vec::new();
    for number in 0..3 {
        numbered(number).write(&disk, &path).expect("this disk does not fail");
        ends.push(disk.log().len());
    }
    let log = disk.log();
    let (mut states, mut found) = (0, [false; 4]);
    for crash in 0..=log.len() {
        // What was reported before the crash.
        let reported = ends.iter().filter(|&&end| end <= crash).count() as i64 - 1;
        states += crashes(&Left::new(), &log[..crash], |left| {
            let number = number(left, &path).unwrap_or(-1);
            assert!(
                (reported..=reported + 1).contains(&number),
                "crash {crash}: {reported} was written, {number} is found"
            );
            found[(number + 1) as usize] = true;
        });
    }
    assert!(states > 5_000 && found.iter().all(|found| *found), "{states} states, {found:?}");
}

/// Without the sync of the file, the test above would fail: the simulated disk then loses bytes behind a name.
#[test]
fn the_simulated_disk_loses_what_was_not_synced() {
    use super::super::disk::Disk as _;
    let (disk, path) = (SimDisk::default(), PathBuf::from("runs/model"));
    let mut file = disk.create(Path::new("runs/new")).expect("this disk does not fail");
    file.write(0, b"whole").expect("this disk does not fail");
    disk.rename(Path::new("runs/new"), &path).expect("this disk does not fail");
    let mut found = Vec::new();
    crashes(&Left::new(), &disk.log(), |left| found.extend(left.get(&path).cloned()));
    found.sort();
    found.dedup();
    assert_eq!(found, [&b""[..], &[0; 5], b"wh", b"whole"]);
}

#[test]
fn the_old_file_stays_whichever_call_fails() {
    for fault in [Fault::NoSpace, Fault::Short, Fault::Io] {
        for all_after in [false, true] {
            let mut calls = 0;
            while old_file_stays(Failing { from: calls, all_after, fault }) {
                calls += 1;
            }
            // create, the header, the four tensors that have bytes, the header with the digest, sync, rename, sync of the folder
            assert_eq!(calls, 10);
        }
    }
}

/// Fails some calls of the second save. Returns whether any was reached.
fn old_file_stays(failing: Failing) -> bool {
    let (disk, path) = (SimDisk::default(), PathBuf::from("runs/model"));
    numbered(0).write(&disk, &path).expect("this disk does not fail yet");
    let (before, synced) = (disk.files(), disk.log().len());
    disk.fail(Some(failing));
    let result = numbered(1).write(&disk, &path);
    let failed = disk.has_failed();
    disk.fail(None);
    match result {
        Ok(()) => assert!(!failed, "{failing:?} was not reported"),
        Err(FileError::NotDurable { .. }) => {
            assert_eq!(number(&disk.files(), &path), Some(1), "{failing:?}");
        }
        Err(FileError::Write { path: told, .. }) => {
            assert_eq!(told, path);
            assert_eq!(number(&disk.files(), &path), Some(0), "{failing:?}");
            if failing.all_after {
                remove_stale(&disk, Path::new("runs"), |name| name == "model").expect("it works again");
            }
            assert_eq!(disk.files(), before, "{failing:?}");
        }
        Err(other) => panic!("{failing:?}: {other}"),
    }
    // The power may fail as well.
    if matches!(failing.fault, Fault::Io) {
        crashes(&before, &disk.log()[synced..], |left| {
            assert!(number(left, &path).is_some(), "{failing:?}: the file is gone");
        });
    }
    failed
}
