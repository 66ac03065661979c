//! IDX files: MNIST's format, each way in which it can be broken, and the digits that come with the library.

mod data_support;

use data_support::{Outcome, all, bytes, firsts, gzip, idx, put};
use mixup_runtime::data::{DataError, ImageData};

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";
const VALID_IMAGES: &str = "t10k-images-idx3-ubyte";
const VALID_LABELS: &str = "t10k-labels-idx1-ubyte";

/// Three training images of 2×2 with the labels 2, 0, 1, and one validation image with the label 2.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (IMAGES, idx(&[3, 2, 2], &(10..22).collect::<Vec<u8>>())),
        (LABELS, idx(&[3], &[2, 0, 1])),
        (VALID_IMAGES, idx(&[1, 2, 2], &[90, 91, 92, 93])),
        (VALID_LABELS, idx(&[1], &[2])),
    ]
}

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        put(root.path(), name, bytes);
    }
    root
}

/// The error if one file is replaced by another, without the path of the folder.
fn refusal(name: &str, bytes: &[u8]) -> (DataError, String) {
    let root = folder(&files());
    put(root.path(), name, bytes);
    let error = ImageData::from_idx(root.path()).expect_err("this must be refused");
    let message = error.to_string().replace(&format!("{}/", root.path().display()), "");
    (error, message)
}

#[test]
fn every_spelling_of_mnists_names_is_read_gzipped_or_not() -> Outcome {
    for spell in [|name: &str| name.to_owned(), |name: &str| name.replace("-idx", ".idx")] {
        for packed in [false, true] {
            let root = tempfile::tempdir()?;
            for (name, bytes) in files() {
                if packed {
                    put(root.path(), &format!("{}.gz", spell(name)), &gzip(&bytes));
                } else {
                    put(root.path(), &spell(name), &bytes);
                }
            }
            for found in [ImageData::from_idx(root.path())?, ImageData::open(root.path())?] {
                let data = found.build()?;
                assert_eq!(data.to_string(), "3 training and 1 validation images of 1×2×2 in 3 classes");
                assert_eq!(data.classes(), ["0", "1", "2"]);
                assert_eq!(firsts(data.train()), [(10, 2), (14, 0), (18, 1)]);
                assert_eq!(bytes(&all(data.train())?.0), (10..22).collect::<Vec<u8>>());
                assert_eq!(firsts(data.valid().expect("valid")), [(90, 2)]);
            }
        }
    }
    Ok(())
}

#[test]
fn rgb_repeats_the_grey_channel() -> Outcome {
    let data = ImageData::from_idx(folder(&files()).path())?.rgb().build()?;
    assert_eq!(data.to_string(), "3 training and 1 validation images of 3×2×2 in 3 classes");
    let valid = all(data.valid().expect("valid"))?.0;
    assert_eq!(bytes(&valid), [90, 91, 92, 93].repeat(3));
    assert!(valid.is_contiguous(), "a batch has memory of its own");
    Ok(())
}

#[test]
fn without_t10k_there_is_no_validation() -> Outcome {
    let data = ImageData::from_idx(folder(&files()[..2]).path())?.build()?;
    assert!(data.valid().is_none());
    Ok(())
}

#[test]
fn the_error_for_a_missing_file_names_it() {
    for (missing, position) in [(IMAGES, 0), (LABELS, 1), (VALID_IMAGES, 2), (VALID_LABELS, 3)] {
        let mut files = files();
        files.remove(position);
        let root = folder(&files);
        let error = ImageData::from_idx(root.path()).expect_err("one is missing");
        let DataError::MissingIdx { expected, .. } = &error else { panic!("{error}") };
        assert_eq!(expected, missing);
        assert!(error.to_string().starts_with(&format!("{} has no {missing}", root.path().display())), "{error}");
    }
}

#[test]
fn a_folder_of_something_else_is_rejected() -> Outcome {
    let root = tempfile::tempdir()?;
    let error = ImageData::open(root.path()).expect_err("an empty folder");
    assert!(matches!(error, DataError::Unrecognised { .. }), "{error}");
    let file = put(root.path(), "x", b"");
    assert!(matches!(ImageData::from_idx(file), Err(DataError::NotAFolder { .. })));
    assert!(matches!(ImageData::from_idx("no/such"), Err(DataError::NotFound { .. })));
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_special_file_with_the_name_of_an_idx_file_is_rejected_without_opening_it() -> Outcome {
    for (kind, special) in data_support::special_files() {
        for (position, (name, _)) in files().iter().enumerate() {
            let mut files = files();
            files.remove(position);
            let root = folder(&files);
            std::os::unix::fs::symlink(special.path(), root.path().join(name))?;
            for found in [ImageData::from_idx(root.path()), ImageData::open(root.path())] {
                let error = found.expect_err("this must be refused");
                let DataError::SpecialFile { path, kind: found } = error else { panic!("{error}") };
                assert_eq!((path, found), (root.path().join(name), kind));
            }
        }
        let root = folder(&files()[..2]);
        for name in [VALID_IMAGES, VALID_LABELS] {
            std::os::unix::fs::symlink(special.path(), root.path().join(name))?;
        }
        let error = ImageData::from_idx(root.path()).expect_err("this is not the same as no validation");
        assert!(matches!(error, DataError::SpecialFile { .. }), "{error:?}");
    }
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_regular_file_next_to_a_special_one_is_read() -> Outcome {
    for (_, special) in data_support::special_files() {
        let mut files = files();
        let packed = gzip(&files.remove(0).1);
        files.push(("train-images-idx3-ubyte.gz", packed));
        let root = folder(&files);
        std::os::unix::fs::symlink(special.path(), root.path().join(IMAGES))?;
        assert_eq!(ImageData::from_idx(root.path())?.build()?.train().items(), Some(3));
    }
    Ok(())
}

#[test]
fn the_error_for_a_wrong_magic_number_shows_it_and_the_right_one() {
    let (error, message) = refusal(IMAGES, &idx(&[3], &[2, 0, 1]));
    assert!(matches!(error, DataError::IdxMagic { expected: 0x803, found: 0x801, .. }));
    assert_eq!(
        message,
        "train-images-idx3-ubyte begins with 0x00000801, but an IDX file of images begins with 0x00000803"
    );
    let message = refusal(VALID_LABELS, b"<html>").1;
    assert_eq!(
        message,
        "t10k-labels-idx1-ubyte begins with 0x3c68746d, but an IDX file of labels begins with 0x00000801"
    );
}

#[test]
fn the_error_for_a_truncated_file_says_how_much_is_missing() {
    let whole = idx(&[3, 2, 2], &[7; 12]);
    let (error, message) = refusal(IMAGES, &whole[..25]);
    assert!(matches!(error, DataError::IdxTruncated { expected: 28, found: 25, .. }));
    assert_eq!(message, "train-images-idx3-ubyte is cut off: its header asks for 28 bytes in all, but there are 25");
    for length in [0, 3, 4, 15] {
        let (error, message) = refusal(IMAGES, &whole[..length]);
        let DataError::IdxTruncated { expected: 16, found, .. } = error else { panic!("{message}") };
        assert_eq!(found, length as u64, "within the header");
    }
    let error = refusal(LABELS, &idx(&[3], &[1, 2])).0;
    assert!(matches!(error, DataError::IdxTruncated { expected: 11, found: 10, .. }), "{error}");
}

#[test]
fn a_header_that_claims_too_much_takes_no_memory() {
    let (error, message) = refusal(IMAGES, &idx(&[u32::MAX, u32::MAX, u32::MAX], &[0; 5]));
    assert!(matches!(error, DataError::IdxTruncated { found: 21, .. }), "{message}");
}

#[test]
fn the_error_for_a_truncated_gzip_says_so() {
    let noise: Vec<u8> = (0..4000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let packed = gzip(&idx(&[1000, 2, 2], &noise));
    let (error, message) = refusal(IMAGES, &packed[..packed.len() / 2]);
    let DataError::IdxTruncated { expected: 4016, found, .. } = error else { panic!("{message}") };
    assert!((17..4016).contains(&found), "{found}");
    let message = refusal(IMAGES, &packed[..packed.len() - 3]).1;
    assert!(message.starts_with("train-images-idx3-ubyte cannot be read: "), "{message}");
}

#[test]
fn a_damaged_gzip_is_noticed() {
    let mut packed = gzip(&files()[0].1);
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    let (error, message) = refusal(IMAGES, &packed);
    assert!(matches!(error, DataError::Read { .. }));
    assert!(message.starts_with("train-images-idx3-ubyte cannot be read: "), "{message}");
}

#[test]
fn bytes_after_the_end_are_rejected() {
    let mut file = files()[0].1.clone();
    file.extend([0; 3]);
    for file in [gzip(&file), file] {
        let (error, message) = refusal(IMAGES, &file);
        assert!(matches!(error, DataError::IdxTrailing { expected: 28, found: 31, .. }));
        assert!(message.starts_with("train-images-idx3-ubyte goes on after its end"), "{message}");
    }
}

#[test]
fn the_error_for_an_empty_file_quotes_its_header() {
    let (error, message) = refusal(IMAGES, &idx(&[0, 28, 28], &[]));
    assert!(matches!(error, DataError::IdxEmpty { .. }));
    assert_eq!(message, "train-images-idx3-ubyte is empty: its header says 0×28×28");
}

#[test]
fn the_error_for_different_numbers_of_images_and_labels_names_both_files() {
    let (error, message) = refusal(LABELS, &idx(&[2], &[0, 1]));
    assert!(matches!(error, DataError::IdxCounts { image_count: 3, label_count: 2, .. }));
    assert_eq!(
        message,
        "train-images-idx3-ubyte has 3 images, but train-labels-idx1-ubyte has 2 labels: each image needs one"
    );
}

#[test]
fn a_label_of_the_validation_data_only_is_rejected() {
    let (error, message) = refusal(VALID_LABELS, &idx(&[1], &[7]));
    assert!(matches!(error, DataError::UnknownClass { .. }));
    assert!(message.starts_with("the class `7` is in t10k-labels-idx1-ubyte, but not in the training"), "{message}");
}

#[test]
fn validation_images_of_another_size_are_rejected() {
    let (error, message) = refusal(VALID_IMAGES, &idx(&[1, 3, 2], &[0; 6]));
    assert!(matches!(error, DataError::Sizes { .. }));
    assert!(message.contains("2×2 (3 images, first train-images-idx3-ubyte), 2×3 (1 image, first t10k-"), "{message}");
}

#[test]
fn the_digits_are_those_of_the_original() -> Outcome {
    let data = ImageData::digits()?.build()?;
    assert_eq!(data.to_string(), "1,437 training and 360 validation images of 1×8×8 in 10 classes");
    let valid = data.valid().expect("valid");
    let ((train_pixels, train), (valid_pixels, labels)) = (all(data.train())?, all(valid)?);
    assert_eq!(train.len() + labels.len(), 1797);
    let count = |digit: i64| train.iter().chain(&labels).filter(|&&label| label == digit).count();
    assert_eq!((0..10).map(count).collect::<Vec<_>>(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(labels[0], 0, "the first digit of the original is a zero");
    // The first row is 0 0 5 13 9 1 0 0 of 16; then the whole digit.
    assert_eq!(bytes(&valid_pixels)[..8], [0, 0, 80, 207, 143, 16, 0, 0]);
    assert_eq!(train[..4], [1, 2, 3, 4], "those after the first, up to the sixth");
    let ink: f64 = (train_pixels.sum(None) + valid_pixels.sum(None)).double_value(&[]) * 16.0;
    // The mean of all pixels in the original is 4.884 of 16 (scikit-learn: `load_digits().data.mean()`).
    assert!((ink / (1797.0 * 64.0) - 4.884).abs() < 0.01, "{ink}");
    Ok(())
}
