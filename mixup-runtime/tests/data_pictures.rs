//! Pictures as they lie on people's disks: any size and format, labels from names and tables, splits, transforms.

mod data_support;

use std::{collections::BTreeSet, fs, path::Path};

use data_support::{Outcome, all, bytes, colour, encode, folder, grey_png, put};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, RgbImage};
use mixup_runtime::{
    batch::Target,
    data::{Columns, Data, DataError, ImageData, KFold, Loader, NameSplit, RandomSplit, Split},
    rng::ItemRngs,
    transforms::{CenterCrop, ColorJitter, Normalize, RandomFlip, RandomResizedCrop, Resize, Rotate},
};
use tch::Tensor;

/// Pictures of one colour and many sizes, five in each of two classes.
fn photos() -> tempfile::TempDir {
    let sizes = [(40, 30), (30, 40), (25, 25), (64, 20), (21, 50)];
    let files = ["cats", "dogs"].into_iter().enumerate().flat_map(|(class, name)| {
        let file = move |(i, (width, height)): (usize, (u32, u32))| {
            let shade = 20 * (5 * class + i) as u8;
            (format!("{name}/{name}_{i}.png"), colour(ImageFormat::Png, width, height, [shade, 100, 200]))
        };
        sizes.into_iter().enumerate().map(file)
    });
    folder(&files.collect::<Vec<_>>())
}

fn small() -> Resize {
    Resize::new(16).crop()
}

/// The first byte of each image, in the data's own order.
fn shades(loader: &Loader) -> Vec<u8> {
    let (pixels, _) = all(loader).expect("all can be read");
    bytes(&pixels.select(3, 0).select(2, 0).select(1, 0))
}

/// A JPEG whose EXIF data says how the camera was held.
fn held(image: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut jpeg = encode(&image.clone().into(), ImageFormat::Jpeg);
    let tiff = [b"MM\0*".as_slice(), &[0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]]
        .concat();
    let exif = [b"Exif\0\0".as_slice(), &tiff].concat();
    let segment = [[0xff, 0xe1].as_slice(), &(exif.len() as u16 + 2).to_be_bytes(), &exif].concat();
    jpeg.splice(2..2, segment);
    jpeg
}

#[test]
fn pictures_of_each_format_are_read() -> Outcome {
    let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif];
    let files = formats.map(|format| {
        let ending = format.extensions_str()[0];
        (format!("train/a/{ending}.{}", ending.to_uppercase()), colour(format, 9, 7, [200, 100, 50]))
    });
    let root = folder(&files);
    let data = ImageData::from_folder(root.path())?.build()?;
    assert_eq!(data.to_string(), "5 training images of 3×7×9 in 1 class, no validation");
    for picture in bytes(&all(data.train())?.0).chunks(3 * 7 * 9) {
        for (plane, expected) in picture.chunks(7 * 9).zip([200_u8, 100, 50]) {
            assert!(plane.iter().all(|byte| byte.abs_diff(expected) <= 3), "{plane:?}");
        }
    }
    Ok(())
}

#[test]
fn a_photo_is_turned_as_the_camera_was_held() -> Outcome {
    // The left half is white.
    let image = RgbImage::from_fn(32, 16, |x, _| image::Rgb([if x < 16 { 255 } else { 0 }; 3]));
    for (orientation, width, height, white) in [
        (1, 32, 16, "left"),
        (2, 32, 16, "right"),
        (3, 32, 16, "right"),
        (4, 32, 16, "left"),
        (5, 16, 32, "top"),
        (6, 16, 32, "top"),
        (7, 16, 32, "bottom"),
        (8, 16, 32, "bottom"),
    ] {
        let root = folder(&[("train/a/x.jpg".into(), held(&image, orientation))]);
        let (pixels, _) = all(ImageData::from_folder(root.path())?.build()?.train())?;
        assert_eq!(pixels.size(), [1, 3, height, width], "orientation {orientation}");
        let at = |y: i64, x: i64| pixels.double_value(&[0, 0, y, x]) > 0.5;
        let (found, other) = match white {
            "left" => (at(4, 4), at(4, width - 4)),
            "right" => (at(4, width - 4), at(4, 4)),
            "top" => (at(4, 4), at(height - 4, 4)),
            _ => (at(height - 4, 4), at(4, 4)),
        };
        assert!(found && !other, "orientation {orientation}: {white} is white");
    }
    Ok(())
}

#[test]
fn folders_without_train_are_classes_that_a_split_divides() -> Outcome {
    let root = photos();
    let data = ImageData::from_folder(root.path())?.split(RandomSplit::new(0.2, 42)).items(small()).build()?;
    assert_eq!(data.to_string(), "8 training and 2 validation images of 3×16×16 in 2 classes");
    assert_eq!(data.classes(), ["cats", "dogs"]);
    assert!(ImageData::open(root.path()).is_ok());
    let whole = ImageData::from_folder(root.path())?.items(small()).build()?;
    assert_eq!(shades(whole.train()), (0..10).map(|i| 20 * i).collect::<Vec<u8>>());
    Ok(())
}

#[test]
fn the_same_seed_chooses_the_same_images_and_another_one_others() -> Outcome {
    let root = photos();
    let valid = |seed| -> Result<Vec<u8>, DataError> {
        let data = ImageData::from_folder(root.path())?.split(RandomSplit::new(0.4, seed)).items(small()).build()?;
        let (train, valid) = (shades(data.train()), shades(data.valid().expect("it is there")));
        let both: BTreeSet<u8> = train.into_iter().chain(valid.iter().copied()).collect();
        assert_eq!(both.len(), 10, "each image is in one part");
        Ok(valid)
    };
    assert_eq!(valid(42)?, valid(42)?);
    assert_ne!(valid(42)?, valid(43)?);
    Ok(())
}

#[test]
fn a_stratified_split_takes_the_share_from_each_class() -> Outcome {
    let names: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    let files: Vec<&Path> = names.iter().map(Path::new).collect();
    let classes: Vec<Option<i64>> = (0..100).map(|i| Some(i64::from(i < 10))).collect();
    for seed in 0..20 {
        let valid = RandomSplit::new(0.2, seed).stratified().valid(&files, &classes)?;
        let count = |class| valid.iter().zip(&classes).filter(|(valid, of)| **valid && **of == Some(class)).count();
        assert_eq!((count(0), count(1)), (18, 2));
        let folds = (0..5).map(|fold| KFold::new(fold, 5, seed).stratified().valid(&files, &classes));
        for valid in folds {
            let valid = valid?;
            let rare = valid.iter().take(10).filter(|valid| **valid).count();
            assert_eq!((valid.iter().filter(|valid| **valid).count(), rare), (20, 2));
        }
    }
    Ok(())
}

#[test]
fn each_image_is_for_validation_in_one_of_the_folds() -> Outcome {
    let names: Vec<String> = (0..23).map(|i| i.to_string()).collect();
    let files: Vec<&Path> = names.iter().map(Path::new).collect();
    let mut counts = [0; 23];
    for fold in 0..4 {
        let valid = KFold::new(fold, 4, 1).valid(&files, &[None; 23])?;
        counts.iter_mut().zip(valid).for_each(|(count, valid)| *count += usize::from(valid));
    }
    assert_eq!(counts, [1; 23]);
    Ok(())
}

#[test]
fn a_split_that_makes_no_sense_is_refused() -> Outcome {
    let root = photos();
    let refusal = |split: Box<dyn Fn(ImageData) -> ImageData>| -> Result<String, DataError> {
        Ok(split(ImageData::from_folder(root.path())?).items(small()).build().expect_err("no").to_string())
    };
    let share = refusal(Box::new(|data| data.split(RandomSplit::new(1.5, 0))))?;
    assert_eq!(share, "the images can't be split: the share is 1.5, but it must be between 0 and 1");
    let none = refusal(Box::new(|data| data.split(NameSplit::new(|_| false))))?;
    assert_eq!(none, "the images can't be split: it leaves no image for validation");
    let fold = refusal(Box::new(|data| data.split(KFold::new(3, 3, 0))))?;
    assert!(fold.contains("there is no fold 3 of 3"), "{fold}");
    put(root.path(), "valid/cats/x.png", &grey_png(9, 9, 1));
    let twice = refusal(Box::new(|data| data.split(RandomSplit::new(0.2, 0))))?;
    assert!(twice.contains("there are images for validation already"), "{twice}");
    Ok(())
}

#[test]
fn images_in_test_are_a_part_with_classes_or_without() -> Outcome {
    let root = photos();
    put(root.path(), "test/dogs/x.png", &grey_png(30, 30, 7));
    let data = ImageData::from_folder(root.path())?.items(small()).build()?;
    let test = data.test().expect("it is there");
    assert_eq!((test.items(), test.labelled(), all(test)?.1), (Some(1), true, vec![1]));
    put(root.path(), "test/y.png", &grey_png(30, 30, 9));
    let data = ImageData::from_folder(root.path())?.items(small()).build()?;
    let test = data.test().expect("it is there");
    assert_eq!((test.items(), test.labelled()), (Some(2), false));
    fs::remove_dir_all(root.path().join("test"))?;
    put(root.path(), "test/birds/x.png", &grey_png(30, 30, 7));
    let error = ImageData::from_folder(root.path()).expect_err("no such class");
    assert!(matches!(error, DataError::UnknownClass { .. }), "{error}");
    Ok(())
}

#[test]
fn unlabelled_images_become_a_loader_for_predictions() -> Outcome {
    let root = photos();
    let loader = ImageData::unlabelled(root.path())?.items(small()).augment([RandomFlip::horizontal()]).loader()?;
    assert_eq!((loader.items(), loader.labelled(), loader.describe().as_str()), (Some(10), false, "images of 3×16×16"));
    assert_eq!(shades(&loader), (0..10).map(|i| 20 * i).collect::<Vec<u8>>());
    let error = ImageData::unlabelled(root.path())?.items(small()).build().expect_err("nothing to learn");
    assert!(matches!(error, DataError::NoTargets { .. }), "{error}");
    let empty = tempfile::tempdir()?;
    assert!(matches!(ImageData::unlabelled(empty.path()), Err(DataError::NoImages { .. })));
    Ok(())
}

#[test]
fn classes_are_read_from_the_names_of_files() -> Outcome {
    let root = photos();
    let by_pattern = ImageData::from_name_re(root.path(), r"^(\w+)_\d+\.png$")?.items(small()).build()?;
    assert_eq!(by_pattern.classes(), ["cats", "dogs"]);
    assert_eq!(all(by_pattern.train())?.1, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    let by_func = ImageData::from_name_func(root.path(), |path| Some(path.to_str()?.rsplit('_').next()?.to_owned()))?;
    assert_eq!(by_func.items(small()).build()?.classes(), ["0.png", "1.png", "2.png", "3.png", "4.png"]);
    put(root.path(), "cats/none.png", &grey_png(3, 3, 0));
    put(root.path(), "dogs/none.png", &grey_png(3, 3, 0));
    let error = ImageData::from_name_re(root.path(), r"^(\w+)_\d+").expect_err("two have no number");
    let message = error.to_string().replace(&root.path().display().to_string(), "ROOT");
    assert_eq!(message, "the name of ROOT/cats/none.png does not tell its class, nor does that of 1 other");
    let error = ImageData::from_name_re(root.path(), r"^\w+").expect_err("no group").to_string();
    assert!(error.starts_with(r"the pattern `^\w+` can't be used: it has no group"), "{error}");
    assert!(matches!(ImageData::from_name_re(root.path(), "("), Err(DataError::Pattern { .. })));
    Ok(())
}

#[test]
fn a_table_has_one_class_several_or_numbers_for_each_image() -> Outcome {
    let root = photos();
    let rows = "name,kind,tags,x,y,held_out\n\
                cats_0.png,cat,soft grey,0.5,1,no\n\
                cats_1.png,cat,,1.5,2,True\n\
                cats_2.png,tiger,soft big,2.5,3,0\n";
    let file = put(root.path(), "labels.csv", rows.as_bytes());
    let columns = |columns: Columns| columns.folder(root.path().join("cats"));
    let read =
        |of: Columns| -> Result<Data, DataError> { ImageData::from_csv(&file, columns(of))?.items(small()).build() };

    let kinds = read(Columns::class("kind"))?;
    assert_eq!((kinds.classes(), all(kinds.train())?.1), (&["cat".to_owned(), "tiger".to_owned()][..], vec![0, 0, 1]));
    let held_out = read(Columns::class("kind").valid("held_out"))?;
    assert_eq!(held_out.to_string(), "2 training and 1 validation images of 3×16×16 in 2 classes");

    let dense = |data: &Data| -> Result<Tensor, DataError> {
        let Target::Dense(numbers) = data.train().all()?.target else { panic!("numbers") };
        Ok(numbers)
    };
    let tags = read(Columns::several("tags"))?;
    assert_eq!(tags.classes(), ["big", "grey", "soft"]);
    let expected = Tensor::from_slice2(&[[0.0_f32, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]);
    assert!(dense(&tags)?.equal(&expected));
    let points = read(Columns::numbers(["x", "y"]))?;
    assert!(dense(&points)?.equal(&Tensor::from_slice2(&[[0.5_f32, 1.0], [1.5, 2.0], [2.5, 3.0]])));
    // The same numbers if the images are made one by one.
    let one_by_one =
        ImageData::from_csv(&file, columns(Columns::numbers(["x", "y"])))?.items(small()).memory(0).build()?;
    assert!(dense(&one_by_one)?.equal(&dense(&points)?));
    Ok(())
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_its_line() {
    let root = photos();
    let refusal = |text: &str, columns: Columns| -> String {
        let file = put(root.path(), "cats/labels.csv", text.as_bytes());
        let error =
            ImageData::from_csv(&file, columns).and_then(|data| data.items(small()).build()).expect_err("wrong");
        error.to_string().replace(&root.path().display().to_string(), "ROOT")
    };
    let found = refusal("name,kind\ncats_0.png,cat\n", Columns::class("breed"));
    assert_eq!(found, "ROOT/cats/labels.csv has no column `breed`: it has `name`, `kind`");
    let found = refusal("name,x\ncats_0.png,1\ncats_1.png,left\n", Columns::numbers(["x"]));
    assert_eq!(found, "ROOT/cats/labels.csv, line 3: the column `x` has `left`, but a number is needed");
    let found = refusal("name,kind\ncats_0.png,\n", Columns::class("kind"));
    assert_eq!(found, "ROOT/cats/labels.csv, line 2: the column `kind` is empty, but each image needs a class");
    assert!(refusal("name,kind\n", Columns::class("kind")).contains("has no row below its header"));
    let found = refusal("name,kind\ncats_0.png,cat\nlost.png,cat\ngone.png,cat\n", Columns::class("kind"));
    assert!(found.starts_with("2 images can't be read"), "{found}");
    assert!(found.contains("\n  ROOT/cats/lost.png cannot be read: "), "{found}");
    assert!(refusal("name,kind\na,b,c\n", Columns::class("kind")).starts_with("ROOT/cats/labels.csv, line 2: "));
}

#[test]
fn bad_images_are_left_out_and_counted_on_request() -> Outcome {
    for memory in [1 << 30, 0] {
        let root = photos();
        put(root.path(), "cats/empty.png", b"");
        let whole = encode(
            &RgbImage::from_fn(50, 50, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8])).into(),
            ImageFormat::Jpeg,
        );
        put(root.path(), "dogs/cut.jpg", &whole[..whole.len() / 2]);
        let data = ImageData::from_folder(root.path())?.items(small()).memory(memory).skip_bad(true).build()?;
        assert_eq!(
            data.to_string(),
            "10 training images of 3×16×16 in 2 classes, no validation, 2 bad images left out"
        );
        let errors: Vec<String> = data.skipped().iter().map(ToString::to_string).collect();
        assert!(errors[0].contains("cats/empty.png") && errors[1].contains("dogs/cut.jpg"), "{errors:?}");
        assert_eq!(shades(data.train()), (0..10).map(|i| 20 * i).collect::<Vec<u8>>());
    }
    Ok(())
}

#[test]
fn an_image_that_breaks_later_is_named_by_the_batch() -> Outcome {
    let root = photos();
    let data = ImageData::from_folder(root.path())?.items(small()).memory(0).workers(2).build()?;
    assert_eq!(data.kept(), Some(false));
    fs::write(root.path().join("dogs/dogs_3.png"), b"overwritten")?;
    let error = data.train().all().expect_err("it broke");
    assert!(matches!(&error, DataError::Image { file, .. } if file.ends_with("dogs/dogs_3.png")), "{error}");
    Ok(())
}

/// One batch of all training images, with what is random in an epoch.
fn batch(data: &Data, epoch: usize) -> Tensor {
    let order: Vec<usize> = (0..10).collect();
    let batch = data.train().batch(&order, 0, &ItemRngs::new(42, epoch)).expect("a batch");
    batch.input.one().expect("one tensor").shallow_clone()
}

#[test]
fn augmented_pictures_have_the_same_bits_kept_or_decoded_with_any_number_of_workers() -> Outcome {
    let root = folder(
        &(0..10)
            .map(|i| {
                let image = GrayImage::from_fn(30 + i, 40, |x, y| Luma([(x * 5 + y * 3 + 20 * i) as u8]));
                (format!("train/a/{i}.png"), encode(&DynamicImage::from(image), ImageFormat::Png))
            })
            .collect::<Vec<_>>(),
    );
    let made = |memory, workers| -> Result<Data, DataError> {
        let data = ImageData::from_folder(root.path())?.items(Resize::new(24).crop()).memory(memory).workers(workers);
        let data = data.augment([RandomFlip::horizontal(), RandomResizedCrop::new(16), Rotate::new(20.0)]);
        data.augment([ColorJitter::new(0.3, 0.3, 0.3, 0.1)]).normalize(Normalize::IMAGENET).build()
    };
    let first = made(0, 0)?;
    assert_eq!((first.kept(), first.train().item_shape()?), (Some(false), vec![3, 16, 16]));
    assert!(!batch(&first, 0).equal(&batch(&first, 1)), "each epoch has its own");
    for (memory, workers) in [(0, 1), (0, 3), (1 << 30, 0), (1 << 30, 2)] {
        let data = made(memory, workers)?;
        assert!(batch(&data, 1).equal(&batch(&first, 1)), "{memory} bytes, {workers} workers");
    }
    Ok(())
}

#[test]
fn only_training_pictures_are_augmented() -> Outcome {
    let root = photos();
    let plain = ImageData::from_folder(root.path())?.split(RandomSplit::new(0.5, 1)).items(small());
    let flips = ImageData::from_folder(root.path())?.split(RandomSplit::new(0.5, 1)).items(small());
    let flips = flips.augment([ColorJitter::new(0.9, 0.0, 0.0, 0.0)]).build()?;
    let plain = plain.build()?;
    let valid = |data: &Data| all(data.valid().expect("it is there"));
    assert!(valid(&flips)?.0.equal(&valid(&plain)?.0));
    assert!(!all(flips.train())?.0.equal(&all(plain.train())?.0));
    Ok(())
}

#[test]
fn one_more_transform_changes_no_draws_of_the_others() -> Outcome {
    let image = GrayImage::from_fn(16, 16, |x, _| Luma([if x < 8 { 0 } else { 255 }]));
    let png = encode(&DynamicImage::from(image), ImageFormat::Png);
    let root = folder(&(0..10).map(|i| (format!("train/a/{i}.png"), png.clone())).collect::<Vec<_>>());
    let flipped = |data: ImageData| -> Result<Vec<bool>, DataError> {
        let batch = batch(&data.augment([RandomFlip::horizontal()]).build()?, 0);
        Ok((0..10).map(|i| batch.double_value(&[i, 0, 8, 1]) > batch.double_value(&[i, 0, 8, 14])).collect())
    };
    let alone = flipped(ImageData::from_folder(root.path())?)?;
    assert!(alone.contains(&true) && alone.contains(&false), "{alone:?}");
    let more = ImageData::from_folder(root.path())?.augment([ColorJitter::new(0.2, 0.2, 0.0, 0.0)]);
    assert_eq!(flipped(more)?, alone);
    Ok(())
}

#[test]
fn pixels_are_normalized_as_torchvision_does() -> Outcome {
    let root = folder(&[("train/a/x.png".into(), colour(ImageFormat::Png, 1, 1, [0, 128, 255]))]);
    for memory in [1 << 30, 0] {
        let data = ImageData::from_folder(root.path())?.normalize(Normalize::IMAGENET).memory(memory).build()?;
        // torchvision 0.28: Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(ToTensor()(image))
        let expected = [-2.117_904, 0.205_182_06, 2.64];
        for (channel, expected) in expected.into_iter().enumerate() {
            let found = all(data.train())?.0.double_value(&[0, channel as i64, 0, 0]);
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }
    let grey =
        ImageData::from_folder(root.path())?.grey().normalize(Normalize::IMAGENET).build().expect_err("three for one");
    assert_eq!(grey.to_string(), "the normalization has 3 channels, but the pictures have 1");
    Ok(())
}

#[test]
fn pixels_normalized_by_the_data_have_mean_zero_and_deviation_one() -> Outcome {
    let root = photos();
    for memory in [1 << 30, 0] {
        let data = ImageData::from_folder(root.path())?.items(small()).normalize(Normalize::from_data()).memory(memory);
        let (pixels, _) = all(data.build()?.train())?;
        let red = pixels.select(1, 0);
        assert!(red.mean(None).double_value(&[]).abs() < 1e-5 && (red.std(false).double_value(&[]) - 1.0).abs() < 1e-4);
    }
    Ok(())
}

#[test]
fn a_transform_with_a_wrong_setting_is_refused_before_anything_is_decoded() -> Outcome {
    let root = photos();
    let refusal = |data: ImageData| data.build().expect_err("wrong").to_string();
    let data = || ImageData::from_folder(root.path());
    let found = refusal(data()?.items(Resize::new(0)));
    assert_eq!(found, "`Resize` has size = 0×0, but it must be from 1 to 16384 pixels each way");
    let found = refusal(data()?.items(small()).augment([RandomFlip::vertical().probability(2.0)]));
    assert_eq!(found, "`RandomFlip` has probability = 2, but it must be from 0 to 1");
    let found = refusal(data()?.augment([RandomResizedCrop::scaled(8, 0.9, 0.5)]));
    assert!(found.starts_with("`RandomResizedCrop` has scale = 0.9 to 0.5"), "{found}");
    let found = refusal(data()?.items(small()).augment([ColorJitter::new(0.0, 0.0, 0.0, 0.7)]));
    assert!(found.starts_with("`ColorJitter` has hue = 0.7"), "{found}");
    // A crop gives the training images one size, and those for validation keep theirs.
    let found = refusal(data()?.split(RandomSplit::new(0.5, 0)).augment([RandomResizedCrop::new(8)]));
    assert!(found.contains("`.items(Resize::new(224).crop())` gives them one"), "{found}");
    assert!(data()?.items(CenterCrop::new(8)).build().is_ok());
    Ok(())
}

#[test]
fn a_line_of_pixels_is_cropped_without_filling_the_memory() -> Outcome {
    let root =
        folder(&[("train/a/x.png".into(), grey_png(60_000, 1, 50)), ("train/a/y.png".into(), grey_png(1, 60_000, 60))]);
    let data = ImageData::from_folder(root.path())?.items(Resize::new(224).crop()).build()?;
    assert_eq!(shades(data.train()), [50, 60]);
    Ok(())
}

/// A JPEG in CMYK as print shops make it, red on the left and blue on the right: Pillow 13.0.0, `Image.new("CMYK", (8, 8))` with the pixels
/// (0, 255, 255, 0) where x < 4 and (255, 255, 0, 0) elsewhere, saved with `quality=90, optimize=True`.
const CMYK: &str = "ffd8ffee000e41646f626500640000000000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12\
    100d0e110e0b0b1016101113141515150c0f171816141812141514ffc000140800080008044311004d11005911004b1100ffc4001500010100000000000000000000\
    000000000109ffc40018100002030000000000000000000000000000094785c4ffda000e0443004d0059004b00003f001e7427778095408c66ca4de5533fffd9";

#[test]
fn a_jpeg_in_cmyk_has_its_colours() -> Outcome {
    let digits: Vec<u8> = CMYK.bytes().map(|digit| (digit as char).to_digit(16).expect("hexadecimal") as u8).collect();
    let jpeg: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let root = folder(&[("train/a/x.jpg".into(), jpeg)]);
    let (pixels, _) = all(ImageData::from_folder(root.path())?.build()?.train())?;
    let at = |x: i64| bytes(&pixels.select(0, 0).select(2, x).select(1, 1));
    assert_eq!((at(1), at(6)), (vec![255, 0, 0], vec![0, 0, 255]), "as Pillow shows it");
    Ok(())
}
