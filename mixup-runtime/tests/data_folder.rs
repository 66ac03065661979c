//! Image folders: which images are found, how they are decoded, and the message for each mistake.

mod data_support;

use std::fs;

#[cfg(unix)]
use data_support::special_files;
use data_support::{
    Outcome, all, bytes, colour, encode, firsts, folder, grey_png, gzip, is_the_sample, put, sample, tar,
};
use image::{DynamicImage, ImageBuffer, ImageFormat, LumaA, Rgba};
use mixup_runtime::data::{DataError, Dataset, ImageData, ImageDataset, Loader};
use tch::{Device, Kind, Tensor};

/// The error in reading data, without the path of the root.
fn refusal(root: &tempfile::TempDir) -> (DataError, String) {
    let error = ImageData::from_folder(root.path()).and_then(ImageData::build).expect_err("this must be refused");
    let message = error.to_string().replace(&root.path().display().to_string(), "ROOT");
    (error, message)
}

#[test]
fn a_folder_becomes_data_sorted_by_class_and_name() -> Outcome {
    let root = folder(&sample());
    is_the_sample(&ImageData::from_folder(root.path())?.build()?);
    is_the_sample(&ImageData::open(root.path())?.build()?);
    Ok(())
}

#[test]
fn training_and_testing_mean_train_and_test() -> Outcome {
    let paths = ["training/3/a.png", "training/7/a.png", "testing/3/b.png", "testing/7/b.png"];
    let files = paths.map(|path| (path.to_owned(), grey_png(4, 2, 10)));
    let root = folder(&files);
    let packed = put(root.path(), "x.tgz", &gzip(&tar(&files)));
    for images in [ImageData::open(root.path())?, ImageData::from_archive(packed)?] {
        let data = images.build()?;
        assert_eq!(data.classes(), ["3", "7"]);
        assert_eq!(data.train().items(), Some(2));
        assert_eq!(data.test().map(Loader::items), Some(Some(2)));
    }
    // The name of a folder around everything means nothing.
    let files = sample().into_iter().map(|(path, bytes)| (format!("training/{path}"), bytes)).collect::<Vec<_>>();
    is_the_sample(&ImageData::from_archive(put(root.path(), "y.tgz", &gzip(&tar(&files))))?.build()?);
    Ok(())
}

#[test]
fn the_options_reach_the_loaders() -> Outcome {
    let root = folder(&sample());
    let chosen = ImageData::from_folder(root.path())?.batch_size(2).valid_batch_size(1).shuffle(false).drop_last(true);
    let data = chosen.build()?;
    assert_eq!(data.train().batches(), Some(2));
    assert_eq!(data.valid().map(|valid| (valid.batches(), valid.batch_size())), Some((Some(2), 1)));
    assert_eq!(data.train().order(&mut data_support::rng())?, [0, 1, 2, 3, 4]);
    Ok(())
}

#[test]
fn training_images_are_shuffled_by_default_and_validation_images_never() -> Outcome {
    let many = |part: &str| (0..30).map(|i| (format!("{part}/a/{i}.png"), grey_png(1, 1, 0))).collect::<Vec<_>>();
    let root = folder(&[many("train"), many("valid")].concat());
    let data = ImageData::from_folder(root.path())?.build()?;
    let identity: Vec<usize> = (0..30).collect();
    assert_ne!(data.train().order(&mut data_support::rng())?, identity);
    assert_eq!(data.valid().expect("valid").order(&mut data_support::rng())?, identity);
    Ok(())
}

#[test]
fn a_grey_image_becomes_three_equal_channels_or_one() -> Outcome {
    let root = folder(&[("train/a/x.png".into(), grey_png(1, 2, 77))]);
    let data = ImageData::from_folder(root.path())?.build()?;
    assert_eq!(bytes(&all(data.train())?.0), [77; 6]);
    let data = ImageData::from_folder(root.path())?.grey().build()?;
    assert_eq!(data.to_string(), "1 training images of 1×2×1 in 1 class, no validation");
    assert_eq!(bytes(&all(data.train())?.0), [77; 2]);
    Ok(())
}

#[test]
fn colours_are_in_planes_with_rows_from_the_top() -> Outcome {
    let image =
        ImageBuffer::from_fn(3, 2, |x, y| image::Rgb([x, y, 100 + 10 * y + x].map(|value| value.to_le_bytes()[0])));
    let root = folder(&[("train/a/x.png".into(), encode(&image.into(), ImageFormat::Png))]);
    let (pixels, _) = all(ImageData::from_folder(root.path())?.build()?.train())?;
    assert_eq!(pixels.size(), [1, 3, 2, 3]);
    let expected = [[0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1], [100, 101, 102, 110, 111, 112]];
    assert_eq!(bytes(&pixels), expected.concat());
    Ok(())
}

#[test]
fn colour_becomes_grey_by_its_luma() -> Outcome {
    let root = folder(&[("train/a/x.png".into(), colour(ImageFormat::Png, 1, 1, [0, 255, 0]))]);
    let (pixels, _) = all(ImageData::from_folder(root.path())?.grey().build()?.train())?;
    assert_eq!(bytes(&pixels), [182]); // 0.7152 · 255 = 182.4
    Ok(())
}

#[test]
fn transparency_is_dropped_and_sixteen_bits_become_eight() -> Outcome {
    let rgba: DynamicImage = ImageBuffer::from_pixel(1, 1, Rgba([1_u8, 2, 3, 0])).into();
    let grey_alpha: DynamicImage = ImageBuffer::from_pixel(1, 1, LumaA([9_u8, 128])).into();
    let deep: DynamicImage = ImageBuffer::from_pixel(1, 1, image::Rgb([65_535_u16, 0, 257 * 5])).into();
    let root = folder(&[
        ("train/a/1.png".into(), encode(&rgba, ImageFormat::Png)),
        ("train/a/2.png".into(), encode(&grey_alpha, ImageFormat::Png)),
        ("train/a/3.png".into(), encode(&deep, ImageFormat::Png)),
    ]);
    let (pixels, _) = all(ImageData::from_folder(root.path())?.build()?.train())?;
    assert_eq!(bytes(&pixels), [1, 2, 3, 9, 9, 9, 255, 0, 5]);
    Ok(())
}

#[test]
fn an_image_is_read_whatever_its_ending_says() -> Outcome {
    let jpeg = colour(ImageFormat::Jpeg, 8, 8, [200, 200, 200]);
    let root = folder(&[
        ("train/a/1.jpg".into(), jpeg.clone()),
        ("train/a/2.JPEG".into(), jpeg.clone()),
        ("train/a/3.png".into(), jpeg),
    ]);
    let data = ImageData::from_folder(root.path())?.build()?;
    assert_eq!(data.train().items(), Some(3));
    assert!(bytes(&all(data.train())?.0).iter().all(|value| value.abs_diff(200) <= 2));
    Ok(())
}

#[test]
fn a_pixel_is_exactly_its_byte_divided_by_255() -> Outcome {
    let bytes: Vec<u8> = (0..=255).collect();
    let set = ImageDataset::new(Tensor::from_slice(&bytes).reshape([1, 1, 16, 16]), Tensor::from_slice(&[0_i64]))?;
    let batch = set.batch(&[0], &mixup_runtime::rng::ItemRngs::new(0, 0))?;
    let values: Vec<f32> = Vec::try_from(batch.input.one().expect("one tensor").flatten(0, -1))?;
    let expected: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    assert_eq!(values, expected);
    Ok(())
}

#[test]
fn files_that_are_not_images_are_ignored() -> Outcome {
    let root = folder(&sample());
    for path in ["labels.csv", "train/labels.csv", "train/3/.DS_Store", "train/3/._a.png", "train/3/notes.txt"] {
        put(root.path(), path, b"not an image");
    }
    put(root.path(), "train/.cache/x.png", b"not an image");
    put(root.path(), "train/__MACOSX/x.png", b"not an image");
    is_the_sample(&ImageData::from_folder(root.path())?.build()?);
    Ok(())
}

#[test]
fn images_in_folders_below_a_class_belong_to_it() -> Outcome {
    let root = folder(&[
        ("train/a/z.png".into(), grey_png(1, 1, 1)),
        ("train/a/first/x.png".into(), grey_png(1, 1, 2)),
        ("train/b/x.png".into(), grey_png(1, 1, 3)),
    ]);
    let data = ImageData::from_folder(root.path())?.build()?;
    assert_eq!(firsts(data.train()), [(2, 0), (1, 0), (3, 1)]);
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_link_that_forms_a_cycle_is_not_followed() -> Outcome {
    let root = folder(&sample());
    std::os::unix::fs::symlink(root.path().join("train/3"), root.path().join("train/3/again"))?;
    is_the_sample(&ImageData::from_folder(root.path())?.build()?);
    Ok(())
}

#[test]
#[cfg(unix)]
fn classes_and_images_may_be_links() -> Outcome {
    let (root, linked) = (folder(&sample()), tempfile::tempdir()?);
    for part in ["train", "valid"] {
        fs::create_dir_all(linked.path().join(part).join("3"))?;
        let class = root.path().join(part).join("7");
        std::os::unix::fs::symlink(class, linked.path().join(part).join("7"))?;
        for entry in fs::read_dir(root.path().join(part).join("3"))? {
            let image = entry?;
            std::os::unix::fs::symlink(image.path(), linked.path().join(part).join("3").join(image.file_name()))?;
        }
    }
    is_the_sample(&ImageData::from_folder(linked.path())?.build()?);
    Ok(())
}

/// A link counts as its target, even a link to a FIFO.
#[test]
#[cfg(unix)]
fn a_special_file_with_the_name_of_an_image_is_rejected_without_opening_it() -> Outcome {
    for (kind, file) in special_files() {
        for name in ["train/3/x.png", "valid/7/below/x.jpg"] {
            let root = folder(&sample());
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a class"))?;
            std::os::unix::fs::symlink(file.path(), &path)?;
            let (error, message) = refusal(&root);
            assert!(matches!(error, DataError::SpecialFile { .. }), "{error:?}");
            let advice = "but only regular files and folders are read: replace it with one of them, or remove it";
            assert_eq!(message, format!("ROOT/{name} is {kind}, {advice}"));
        }
    }
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_special_file_that_would_not_be_read_is_ignored() -> Outcome {
    for (_, file) in special_files() {
        let root = folder(&sample());
        for name in ["train/x.png", "train/3/notes.txt", "train/3/.hidden.png", "x.tgz"] {
            std::os::unix::fs::symlink(file.path(), root.path().join(name))?;
        }
        is_the_sample(&ImageData::from_folder(root.path())?.build()?);
    }
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_special_file_in_place_of_the_root_is_rejected() {
    for (kind, file) in special_files() {
        let path = file.path();
        let found = [
            ImageData::open(path),
            ImageData::from_folder(path),
            ImageData::from_archive(path),
            ImageData::from_idx(path),
        ];
        for found in found {
            let error = found.expect_err("this must be refused");
            assert!(
                matches!(&error, DataError::SpecialFile { path, kind: found } if path == file.path() && *found == kind)
            );
        }
    }
}

#[test]
fn val_is_another_name_for_valid() -> Outcome {
    let root = folder(&sample());
    fs::rename(root.path().join("valid"), root.path().join("val"))?;
    is_the_sample(&ImageData::from_folder(root.path())?.build()?);
    Ok(())
}

#[test]
fn without_valid_there_is_no_validation() -> Outcome {
    let root = folder(&sample()[..5]);
    let data = ImageData::from_folder(root.path())?.build()?;
    assert!(data.valid().is_none());
    assert_eq!(data.to_string(), "5 training images of 3×2×4 in 2 classes, no validation");
    Ok(())
}

#[test]
fn the_error_for_a_missing_folder_names_it() {
    let root = folder(&[("images/3/a.png".into(), grey_png(1, 1, 0))]);
    let (error, message) = refusal(&root);
    assert!(matches!(error, DataError::MissingFolder { .. }));
    assert!(message.starts_with("there is no folder ROOT/train:"), "{message}");
    let error = ImageData::from_folder("no/such/folder").expect_err("not there");
    assert_eq!(error.to_string(), "there is nothing at no/such/folder");
    assert!(matches!(ImageData::open("no/such/folder"), Err(DataError::NotFound { .. })));
}

#[test]
fn a_file_in_place_of_a_folder_is_rejected() {
    let root = folder(&[("x.tgz".into(), vec![])]);
    let error = ImageData::from_folder(root.path().join("x.tgz")).expect_err("a file");
    assert!(matches!(error, DataError::NotAFolder { .. }), "{error}");
}

#[test]
fn the_error_for_an_empty_class_names_it() -> Outcome {
    let root = folder(&sample());
    fs::create_dir(root.path().join("train/5"))?;
    put(root.path(), "train/5/notes.txt", b"none yet");
    let (error, message) = refusal(&root);
    assert!(matches!(error, DataError::EmptyClass { .. }));
    assert_eq!(
        message,
        "the class ROOT/train/5 is empty: there is no file that ends in .png, .jpg, .jpeg, .webp, .bmp or .gif"
    );
    Ok(())
}

#[test]
fn the_error_for_an_empty_class_of_the_validation_data_names_it() -> Outcome {
    let root = folder(&sample());
    fs::remove_file(root.path().join("valid/7/a.png"))?;
    assert!(refusal(&root).1.starts_with("the class ROOT/valid/7 is empty"));
    Ok(())
}

#[test]
fn the_error_for_a_folder_without_classes_names_it() -> Outcome {
    let root = folder(&[("train/a.png".into(), grey_png(1, 1, 0))]);
    let (error, message) = refusal(&root);
    assert!(matches!(error, DataError::NoClasses { .. }));
    assert_eq!(message, "ROOT/train has no folder for any class: images belong in ROOT/train/<class>");
    let root = folder(&sample()[..5]);
    fs::create_dir(root.path().join("valid"))?;
    assert!(refusal(&root).1.starts_with("ROOT/valid has no folder for any class"));
    Ok(())
}

#[test]
fn the_error_for_a_class_of_the_validation_data_only_names_it() {
    let root = folder(&sample());
    put(root.path(), "valid/9/a.png", &grey_png(4, 2, 0));
    let (error, message) = refusal(&root);
    assert!(matches!(error, DataError::UnknownClass { .. }));
    assert_eq!(message, "the class `9` is in ROOT/valid, but not in the training data, so no model can learn it");
}

#[test]
fn the_error_for_a_file_that_is_not_an_image_names_it() {
    let root = folder(&sample());
    put(root.path(), "train/7/c.png", b"<html>not found</html>");
    let (error, message) = refusal(&root);
    assert!(matches!(error, DataError::Image { .. }));
    assert!(
        message.starts_with("ROOT/train/7/c.png is not a readable image (PNG, JPEG, WebP, BMP or GIF): "),
        "{message}"
    );
    put(root.path(), "train/7/c.png", b"");
    assert!(refusal(&root).1.starts_with("ROOT/train/7/c.png is not a readable image (PNG, JPEG, WebP, BMP or GIF): "));
}

#[test]
fn the_error_for_a_truncated_image_names_the_file() {
    let noise: Vec<u8> = (0..3 * 64 * 64_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let image: DynamicImage = image::RgbImage::from_raw(64, 64, noise).expect("as many bytes").into();
    for (name, format) in [("x.png", ImageFormat::Png), ("x.jpg", ImageFormat::Jpeg)] {
        let whole = encode(&image, format);
        for length in [whole.len() - 1, whole.len() * 2 / 3, whole.len() / 2, 100, 20] {
            // The PNG's last chunk is empty: without it all pixels are there.
            if format == ImageFormat::Png && length == whole.len() - 1 {
                continue;
            }
            let root = folder(&[("train/a/a.png".into(), encode(&image, ImageFormat::Png))]);
            put(root.path(), &format!("train/a/{name}"), &whole[..length]);
            let (error, message) = refusal(&root);
            assert!(matches!(error, DataError::Image { .. }), "{message}");
            assert!(message.starts_with(&format!("ROOT/train/a/{name} is not a readable")), "{length}: {message}");
        }
    }
}

#[test]
fn the_error_names_all_broken_images_in_their_order() {
    let mut files: Vec<_> = (0..40).map(|i| (format!("train/a/{i:02}.png"), grey_png(16, 16, i))).collect();
    for i in [11, 12, 30, 39] {
        let length = files[i].1.len();
        files[i].1.truncate(length - 20);
    }
    let root = folder(&files);
    for _ in 0..5 {
        let (error, message) = refusal(&root);
        let DataError::Images { errors } = error else { panic!("{message}") };
        assert_eq!(errors.len(), 4);
        let mut lines = message.lines();
        assert_eq!(lines.next(), Some("4 images can't be read; `skip_bad(true)` leaves them out:"));
        for (line, i) in lines.zip([11, 12, 30, 39]) {
            assert!(line.starts_with(&format!("  ROOT/train/a/{i}.png is not a readable image")), "{line}");
        }
    }
}

#[test]
fn a_file_too_big_for_an_image_is_rejected_without_reading_it() -> Outcome {
    let root = folder(&[("train/a/x.png".into(), grey_png(4, 2, 1))]);
    let file = std::fs::OpenOptions::new().write(true).open(root.path().join("train/a/x.png"))?;
    file.set_len(1 << 40)?; // a hole, which takes no space on the disk
    let (error, message) = refusal(&root);
    assert!(matches!(error, DataError::TooBig { found: 1_099_511_627_776, .. }), "{message}");
    assert!(message.starts_with("ROOT/train/a/x.png has 1099511627776 bytes"), "{message}");
    Ok(())
}

#[test]
fn a_header_that_claims_too_many_pixels_takes_no_memory() {
    let mut jpeg = colour(ImageFormat::Jpeg, 8, 8, [0; 3]);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame header");
    jpeg[frame + 5..frame + 9].fill(0xff);
    let root = folder(&[("train/a/x.jpg".into(), jpeg)]);
    let (error, message) = refusal(&root);
    assert!(matches!(error, DataError::Image { .. }));
    assert!(
        message.contains(
            "x.jpg is not a readable image (PNG, JPEG, WebP, BMP or GIF): its header says 65535×65535 pixels"
        ),
        "{message}"
    );
}

#[test]
fn the_error_for_several_sizes_names_the_first_file_of_each() {
    let root = folder(&sample());
    put(root.path(), "train/3/0.png", &grey_png(5, 2, 0));
    put(root.path(), "valid/7/b.png", &grey_png(5, 2, 0));
    put(root.path(), "valid/7/c.png", &grey_png(2, 4, 0));
    let (error, message) = refusal(&root);
    assert_eq!(
        message,
        "images of one size are needed, but these have 4×2 (7 images, first ROOT/train/3/a.png), 5×2 (2 images, first \
         ROOT/train/3/0.png), 2×4 (1 image, first ROOT/valid/7/c.png) (width×height): \
         `.items(Resize::new(224).crop())` gives them one"
    );
    let DataError::Sizes { sizes } = error else { panic!("{error}") };
    assert_eq!(
        sizes.iter().map(|size| (size.width, size.height, size.images)).collect::<Vec<_>>(),
        [(4, 2, 7), (5, 2, 2), (2, 4, 1)]
    );
    put(root.path(), "valid/7/d.png", &grey_png(3, 3, 0));
    put(root.path(), "valid/7/e.png", &grey_png(6, 6, 0));
    assert!(refusal(&root).1.contains("ROOT/valid/7/c.png) and 2 more (width×height): "));
}

#[test]
fn an_unusable_batch_size_is_rejected_before_anything_is_decoded() -> Outcome {
    let root = folder(&[("train/a/broken.png".into(), b"broken".to_vec())]);
    let error = ImageData::from_folder(root.path())?.batch_size(0).build().expect_err("size 0");
    assert!(matches!(error, DataError::BatchSize), "{error}");
    let error = ImageData::from_folder(root.path())?.valid_batch_size(0).build().expect_err("size 0");
    assert!(matches!(error, DataError::BatchSize), "{error}");
    let error = ImageData::from_folder(root.path())?.drop_last(true).build().expect_err("no whole batch");
    assert!(matches!(error, DataError::NoBatch { items: 1, batch_size: 64 }), "{error}");
    Ok(())
}

#[test]
fn pixels_and_labels_of_another_layout_are_rejected() {
    let labels = || Tensor::zeros([2], (Kind::Int64, Device::Cpu));
    let pixels = |size: &[i64], kind| Tensor::zeros(size, (kind, Device::Cpu));
    let error = ImageDataset::new(pixels(&[2, 1, 4, 4], Kind::Float), labels()).expect_err("floats");
    assert_eq!(error.to_string(), "pixels must be Uint8 of [n, c, h, w], but are Float of [2, 1, 4, 4]");
    let error = ImageDataset::new(pixels(&[2, 4, 4], Kind::Uint8), labels()).expect_err("no channels");
    assert!(matches!(error, DataError::Layout { what: "pixels", .. }), "{error}");
    let error = ImageDataset::new(pixels(&[2, 1, 4, 4], Kind::Uint8), labels().to_kind(Kind::Int)).expect_err("i32");
    assert!(matches!(error, DataError::Layout { what: "labels", .. }), "{error}");
    let error = ImageDataset::new(pixels(&[3, 1, 4, 4], Kind::Uint8), labels()).expect_err("three and two");
    assert!(matches!(error, DataError::Lengths { input: 3, target: 2 }), "{error}");
}
