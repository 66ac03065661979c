//! Archives: they hold the same data as the folder that was packed, whatever the packer, and broken ones are errors.

mod data_support;

use data_support::{Outcome, firsts, grey_png, gzip, is_the_sample, put, sample, tar, zip};
use mixup_runtime::data::{DataError, ImageData};

type Files = Vec<(String, Vec<u8>)>;

fn below(top: &str, files: Files) -> Files {
    files.into_iter().map(|(path, bytes)| (format!("{top}{path}"), bytes)).collect()
}

/// The error in reading data from `archive`, without the path of the folder.
fn refusal(name: &str, archive: &[u8]) -> (DataError, String) {
    let root = tempfile::tempdir().expect("a folder");
    let file = put(root.path(), name, archive);
    let error = ImageData::from_archive(file).and_then(ImageData::build).expect_err("this must be refused");
    let message = error.to_string().replace(&format!("{}/", root.path().display()), "");
    (error, message)
}

#[test]
fn every_kind_of_archive_has_the_same_data() -> Outcome {
    let root = tempfile::tempdir()?;
    for top in ["", "./", "mnist_sample/", "./mnist_sample//"] {
        let files = below(top, sample());
        for (name, bytes) in [("x.tgz", gzip(&tar(&files))), ("x.tar", tar(&files)), ("x.zip", zip(&files))] {
            let file = put(root.path(), name, &bytes);
            is_the_sample(&ImageData::from_archive(&file)?.build()?);
            is_the_sample(&ImageData::open(&file)?.build()?);
        }
    }
    Ok(())
}

#[test]
fn an_archive_is_recognised_by_its_content_not_its_name() -> Outcome {
    let root = tempfile::tempdir()?;
    let file = put(root.path(), "a-tar-that-a-browser-unpacked.tgz", &tar(&sample()));
    is_the_sample(&ImageData::from_archive(file)?.build()?);
    Ok(())
}

#[test]
fn the_order_in_the_archive_does_not_matter() -> Outcome {
    let root = tempfile::tempdir()?;
    let mut files = sample();
    files.reverse();
    files.swap(1, 3);
    for (name, bytes) in [("x.tgz", gzip(&tar(&files))), ("x.zip", zip(&files))] {
        is_the_sample(&ImageData::from_archive(put(root.path(), name, &bytes))?.build()?);
    }
    Ok(())
}

#[test]
fn a_folder_in_place_of_an_archive_is_rejected() -> Outcome {
    let root = tempfile::tempdir()?;
    let error = ImageData::from_archive(root.path()).expect_err("a folder");
    assert!(matches!(error, DataError::NotAnArchive { .. }), "{error:?}");
    let advice = "is a folder, but an archive was expected; `ImageData::from_folder` takes folders";
    assert_eq!(error.to_string(), format!("{} {advice}", root.path().display()));
    Ok(())
}

#[test]
fn extra_files_of_a_mac_are_ignored() -> Outcome {
    let root = tempfile::tempdir()?;
    let mut files = below("mnist/", sample());
    for path in ["__MACOSX/mnist/train/3/._a.png", "mnist/train/.DS_Store", "mnist/train/3/._a.png", "mnist/labels.csv"]
    {
        files.push((path.to_owned(), b"not an image".to_vec()));
    }
    for (name, bytes) in [("x.tgz", gzip(&tar(&files))), ("x.zip", zip(&files))] {
        is_the_sample(&ImageData::from_archive(put(root.path(), name, &bytes))?.build()?);
    }
    Ok(())
}

#[test]
fn a_zip_with_separators_of_windows_is_read() -> Outcome {
    let root = tempfile::tempdir()?;
    let files: Files = sample().into_iter().map(|(path, bytes)| (path.replace('/', "\\"), bytes)).collect();
    is_the_sample(&ImageData::from_archive(put(root.path(), "x.zip", &zip(&files)))?.build()?);
    Ok(())
}

#[test]
fn a_path_that_leads_out_of_the_archive_is_ignored() -> Outcome {
    let root = tempfile::tempdir()?;
    let mut files = sample();
    files.push(("../train/3/evil.png".to_owned(), grey_png(4, 2, 99)));
    let data = ImageData::from_archive(put(root.path(), "in/x.zip", &zip(&files)))?.build()?;
    is_the_sample(&data);
    assert!(!root.path().join("train").exists(), "nothing is written");
    Ok(())
}

#[test]
fn a_path_that_occurs_twice_counts_once_and_the_later_wins() -> Outcome {
    let root = tempfile::tempdir()?;
    let mut files = sample();
    files.push(("train/3/a.png".to_owned(), grey_png(4, 2, 11)));
    let data = ImageData::from_archive(put(root.path(), "x.tar", &tar(&files)))?.build()?;
    assert_eq!(firsts(data.train())[..2], [(11, 0), (20, 0)]);
    assert_eq!(data.train().items(), Some(5));
    Ok(())
}

#[test]
fn the_error_for_a_broken_image_names_it_and_its_archive() {
    let mut files = below("mnist/", sample());
    files[3].1 = b"broken".to_vec();
    for (name, bytes) in [("x.tgz", gzip(&tar(&files))), ("x.zip", zip(&files))] {
        let (error, message) = refusal(name, &bytes);
        assert!(matches!(error, DataError::Image { .. }), "{message}");
        assert!(
            message.starts_with(&format!(
                "{name}/mnist/train/7/a.png is not a readable image (PNG, JPEG, WebP, BMP or GIF)"
            )),
            "{message}"
        );
    }
}

#[test]
fn the_error_for_an_empty_class_names_it_and_its_archive() {
    for extra in ["mnist/train/5/", "mnist/train/5/notes.txt"] {
        let mut files = below("mnist/", sample());
        files.push((extra.to_owned(), vec![]));
        for (name, bytes) in [("x.tgz", gzip(&tar(&files))), ("x.zip", zip(&files))] {
            let (error, message) = refusal(name, &bytes);
            assert!(matches!(error, DataError::EmptyClass { .. }), "{message}");
            assert!(message.starts_with(&format!("the class {name}/mnist/train/5 is empty")), "{message}");
        }
    }
}

#[test]
fn the_error_for_several_sizes_names_the_archive() {
    let mut files = sample();
    files.push(("train/3/d.png".to_owned(), grey_png(5, 5, 0)));
    let message = refusal("x.zip", &zip(&files)).1;
    assert!(message.contains("5×5 (1 image, first x.zip/train/3/d.png)"), "{message}");
}

#[test]
fn an_archive_without_train_is_rejected() {
    let files = vec![("mnist/images/3/a.png".to_owned(), grey_png(1, 1, 0))];
    let (error, message) = refusal("x.zip", &zip(&files));
    assert!(matches!(error, DataError::MissingFolder { .. }), "{message}");
    assert!(message.starts_with("there is no folder x.zip/train:"), "{message}");
}

#[test]
fn an_archive_of_several_data_sets_is_rejected() {
    let files = [below("a/", sample()), below("b/", sample())].concat();
    let (error, message) = refusal("x.tgz", &gzip(&tar(&files)));
    assert!(matches!(error, DataError::SeveralTrainFolders { .. }), "{message}");
    assert!(message.starts_with("x.tgz holds several data sets: a, b;"), "{message}");
}

#[test]
fn the_error_for_a_truncated_archive_names_the_file() {
    let files: Files = (0..50_u8).map(|i| (format!("train/a/{i}.png"), grey_png(50, 50, i))).collect();
    for (name, bytes) in [("x.tgz", gzip(&tar(&files))), ("x.zip", zip(&files))] {
        let (error, message) = refusal(name, &bytes[..bytes.len() / 2]);
        assert!(matches!(error, DataError::Read { .. } | DataError::Truncated { .. }), "{message}");
        assert!(message.starts_with(name), "{message}");
    }
}

#[test]
fn the_error_for_a_cut_off_entry_says_how_much_of_it_is_there() {
    let png = grey_png(50, 50, 1);
    let size = png.len();
    // One header of 512 bytes, then the first 40 of the image.
    let (error, message) = refusal("x.tar", &tar(&[("train/a/x.png".to_owned(), png)])[..512 + 40]);
    assert!(matches!(error, DataError::Truncated { found: 40, .. }), "{message}");
    assert_eq!(message, format!("x.tar/train/a/x.png is cut off: 40 of its {size} bytes are there"));
}

#[test]
fn an_entry_too_big_for_an_image_is_rejected_without_reading_it() {
    let mut header = ::tar::Header::new_gnu();
    header.set_path("train/a/x.png").expect("short");
    header.set_size(1 << 40);
    header.set_cksum();
    let (error, message) = refusal("x.tar", header.as_bytes());
    assert!(matches!(error, DataError::TooBig { found: 1_099_511_627_776, .. }), "{message}");
    assert!(message.starts_with("x.tar/train/a/x.png has 1099511627776 bytes"), "{message}");
}

#[test]
fn a_link_to_an_image_is_rejected_and_not_ignored() {
    let mut archive = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(0);
    header.set_entry_type(::tar::EntryType::Symlink);
    archive.append_link(&mut header, "train/a/x.png", "y.png").expect("an entry");
    let message = refusal("x.tar", &archive.into_inner().expect("an archive")).1;
    assert!(message.starts_with("x.tar/train/a/x.png cannot be read: a link"), "{message}");
}

#[test]
fn a_special_file_in_a_tar_with_the_name_of_an_image_is_rejected() {
    let types = [
        (::tar::EntryType::Fifo, "a FIFO"),
        (::tar::EntryType::Char, "a device"),
        (::tar::EntryType::Block, "a device"),
    ];
    for (entry, expected) in types {
        let mut archive = ::tar::Builder::new(Vec::new());
        let mut header = ::tar::Header::new_gnu();
        header.set_size(0);
        header.set_entry_type(entry);
        archive.append_data(&mut header, "train/a/x.png", std::io::empty()).expect("an entry");
        let (error, message) = refusal("x.tar", &archive.into_inner().expect("an archive"));
        assert!(matches!(error, DataError::SpecialFile { kind, .. } if kind == expected), "{error:?}");
        assert!(message.starts_with(&format!("x.tar/train/a/x.png is {expected}, but only regular")), "{message}");
    }
}

#[test]
fn a_file_that_is_not_an_archive_is_rejected() {
    for bytes in [&b"hello"[..], b"", &[0; 1000]] {
        let (error, message) = refusal("x.tgz", bytes);
        assert!(matches!(error, DataError::Unrecognised { .. }), "{message}");
        assert!(message.starts_with("x.tgz is not image data"), "{message}");
    }
    assert!(matches!(ImageData::from_archive("no/such.zip"), Err(DataError::NotFound { .. })));
}
