//! What is in the folder afterwards; and archives that are refused, of which nothing is left.

use std::fs;

use mixup_runtime::data::{ImageData, UntarError, Url};

use crate::{
    archive, below,
    data_support::{Outcome, gzip, is_the_sample, put, sample, tar, zip},
    downloads,
    server::nobody,
    url,
};

/// Unpacks an archive that lies where it would be downloaded to.
fn untar(folder: &std::path::Path, name: &str, bytes: &[u8]) -> Result<std::path::PathBuf, UntarError> {
    let url: Url = url(format!("{}/{name}", nobody()), bytes);
    put(folder, &format!("downloads/{}/{name}", url.name()), bytes);
    downloads(folder).untar(url)
}

/// An archive with one entry of a kind, under a path that the writer does not check.
fn entry(kind: tar::EntryType, path: &str, link: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().expect("it is one").name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    if !link.is_empty() {
        header.set_link_name(link).expect("it is short");
    }
    header.set_size(0);
    header.set_cksum();
    let mut archive = tar::Builder::new(tar(&sample()));
    archive.append(&header, std::io::empty()).expect("memory");
    // What precedes it ends with two empty blocks, at which a reader would stop.
    let mut bytes = archive.into_inner().expect("memory");
    let first = tar(&sample()).len() - 1024;
    bytes.drain(first..first + 1024);
    bytes
}

#[test]
fn every_kind_of_archive_is_unpacked_without_the_folder_that_holds_everything() -> Outcome {
    let folder = tempfile::tempdir()?;
    for top in ["", "./", "pets/", "./pets/"] {
        let mut files = vec![];
        for (path, bytes) in sample() {
            files.push((format!("{top}{path}"), bytes));
        }
        files.push((format!("__MACOSX/{top}train/3/._a.png"), b"what macOS adds".to_vec()));
        for (name, bytes) in [
            ("x.tgz", gzip(&tar(&files))),
            ("x.tar.gz", gzip(&tar(&files))),
            ("x.tar", tar(&files)),
            ("x.zip", zip(&files)),
        ] {
            let path = untar(folder.path(), name, &bytes)?;
            is_the_sample(&ImageData::from_folder(&path)?.build()?);
            assert_eq!(below(&path).len(), 7);
        }
    }
    Ok(())
}

#[test]
fn several_things_at_the_top_stay_there() -> Outcome {
    let folder = tempfile::tempdir()?;
    let files = [("pets/a.txt".to_owned(), b"a".to_vec()), ("read.me".to_owned(), b"b".to_vec())];
    assert_eq!(below(&untar(folder.path(), "x.zip", &zip(&files))?), ["pets/a.txt", "read.me"]);
    Ok(())
}

#[test]
fn what_a_killed_process_has_left_is_no_part_of_the_data() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let pets = url(nobody() + "/pets.tgz", &bytes);
    put(folder.path(), &format!("downloads/{}/unpacked/train/5/a.png", pets.name()), b"half");
    let path = untar(folder.path(), "pets.tgz", &bytes)?;
    assert!(!path.join("train/5").exists());
    is_the_sample(&ImageData::from_folder(path)?.build()?);
    Ok(())
}

#[test]
fn entries_that_are_no_plain_files_or_lead_elsewhere_are_refused_and_nothing_is_left() -> Outcome {
    use tar::EntryType::{Block, Char, Fifo, Link, Regular, Symlink};
    let out = "leads out of the folder";
    let link = "is a link, which archives of data may not have";
    let neither = "is neither a file nor a folder";
    for (kind, path, target, reason) in [
        (Regular, "../evil.txt", "", out),
        (Regular, "pets/../../evil.txt", "", out),
        (Regular, "/tmp/mixup-evil.txt", "", out),
        (Symlink, "pets", "..", link),
        (Symlink, "train/3/z.png", "/etc/passwd", link),
        (Link, "train/3/z.png", "train/3/a.png", link),
        (Fifo, "train/3/z.png", "", neither),
        (Char, "train/3/z.png", "", neither),
        (Block, "train/3/z.png", "", neither),
    ] {
        let folder = tempfile::tempdir()?;
        for (name, bytes) in [("x.tar", entry(kind, path, target)), ("x.tgz", gzip(&entry(kind, path, target)))] {
            let error = untar(folder.path(), name, &bytes).expect_err(path);
            assert!(matches!(&error, UntarError::Hostile { entry, .. } if entry == path), "{error:?}");
            assert!(error.to_string().ends_with(&format!("was not unpacked: its entry `{path}` {reason}")), "{error}");
        }
        // The two archives, and nothing else.
        assert_eq!(below(folder.path()).len(), 2, "{:?}", below(folder.path()));
    }
    Ok(())
}

#[test]
fn a_zip_that_leads_elsewhere_is_refused_with_slashes_and_with_backslashes() -> Outcome {
    for path in ["../evil.txt", "..\\evil.txt", "a\\..\\..\\evil.txt"] {
        let folder = tempfile::tempdir()?;
        let bytes = zip(&[("a.txt".to_owned(), b"a".to_vec()), (path.to_owned(), b"b".to_vec())]);
        let error = untar(folder.path(), "x.zip", &bytes).expect_err(path);
        assert!(matches!(error, UntarError::Hostile { .. }), "{error:?}");
        assert_eq!(below(folder.path()).len(), 1);
    }
    Ok(())
}

#[test]
fn a_link_in_a_zip_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.add_symlink("a.png", "/etc/passwd", zip::write::SimpleFileOptions::default())?;
    let error = untar(folder.path(), "x.zip", &archive.finish()?.into_inner()).expect_err("a link");
    assert!(matches!(&error, UntarError::Hostile { entry, .. } if entry == "a.png"), "{error:?}");
    Ok(())
}

#[test]
fn broken_archives_are_errors_and_nothing_is_left() -> Outcome {
    let whole = archive();
    let cut = &whole[..whole.len() / 2];
    for (name, bytes) in [("x.tgz", cut), ("x.zip", &zip(&sample())[..200]), ("x.tar", &tar(&sample())[..700])] {
        let folder = tempfile::tempdir()?;
        let error = untar(folder.path(), name, bytes).expect_err(name);
        assert!(matches!(error, UntarError::Unpack { .. }), "{name}: {error:?}");
        assert_eq!(below(folder.path()).len(), 1);
    }
    let folder = tempfile::tempdir()?;
    let error = untar(folder.path(), "x.tgz", b"<html>Please log in</html>").expect_err("a page");
    assert!(matches!(error, UntarError::NoArchive { .. }), "{error:?}");
    assert!(error.to_string().ends_with("is no archive, although its name says so: neither .tar, nor .tgz, nor .zip"));
    Ok(())
}

#[test]
fn a_goal_that_is_a_file_is_an_error_and_stays() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let pets = url(nobody() + "/pets.tgz", &bytes);
    let goal = put(folder.path(), pets.name(), b"mine");
    assert!(matches!(untar(folder.path(), "pets.tgz", &bytes), Err(UntarError::File(_))));
    assert_eq!(fs::read(goal)?, b"mine");
    Ok(())
}
