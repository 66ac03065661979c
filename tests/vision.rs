//! Pretrained networks, fine-tuning, and pictures of what they predict.

use std::{collections::BTreeMap, path::Path};

use image::{ImageFormat, Rgb, RgbImage};
use mixup::{
    data::{Concat, Loader, Subset},
    prelude::*,
    transforms::{Picture, Transform, TransformError},
    vision::{Trunk, VisionModel, Weights, resnet18, vision_learner, vision_predictor},
};
use serde::Deserialize;
use tch::{Device, Kind, Tensor, nn};

type Outcome = Result<(), BoxError>;

/// torchvision's names and shapes, and the features of its network. `golden/resnet18.py` has written them.
#[derive(Deserialize)]
struct Golden {
    weights: BTreeMap<String, Vec<i64>>,
    features: Vec<f64>,
}

fn wave(count: i64, shift: i64) -> Tensor {
    (Tensor::arange(count, (Kind::Double, Device::Cpu)) * 0.37 + shift as f64).sin()
}

/// The weights of the formula in `golden/resnet18.py`.
fn weights(golden: &Golden) -> Vec<(String, Tensor)> {
    let tensor = |(place, (name, shape)): (i64, (&String, &Vec<i64>))| {
        let values = wave(shape.iter().product(), place).reshape(shape);
        let values = if shape.len() > 1 {
            values * (2.0 / shape[1..].iter().product::<i64>() as f64).sqrt()
        } else if name.ends_with("weight") || name.ends_with("running_var") {
            values * 0.1 + 1.0
        } else {
            values * 0.1
        };
        (name.clone(), values.to_kind(Kind::Float))
    };
    (0..).zip(&golden.weights).map(tensor).collect()
}

fn images() -> Tensor {
    wave(2 * 3 * 64 * 64, 0).to_kind(Kind::Float).reshape([2, 3, 64, 64])
}

fn data() -> Result<Data, BoxError> {
    Ok(Data::builder(TensorDataset::new(images(), Tensor::from_slice(&[0_i64, 1]))?).classes(["cat", "dog"]).build()?)
}

#[test]
fn the_weights_of_torchvision_give_the_features_of_torchvision() -> Outcome {
    let golden: Golden = serde_json::from_str(include_str!("golden/resnet18.json"))?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("resnet18.safetensors");
    Tensor::write_safetensors(&weights(&golden), &file)?;
    let learn = vision_learner(data()?, resnet18, file)?.quiet().build()?;
    let model = learn.model_as::<VisionModel>().ok_or("it is one")?;
    let features = tch::no_grad(|| model.features(&images().into(), false))?;
    let features: Vec<f64> = Vec::try_from(features.to_kind(Kind::Double).flatten(0, -1))?;
    let far = features.iter().zip(&golden.features).map(|(own, theirs)| (own - theirs).abs()).fold(0.0, f64::max);
    assert!(features.len() == golden.features.len() && far < 1e-5, "{far}");
    Ok(())
}

#[test]
fn a_file_without_the_trunk_is_refused_by_name() -> Outcome {
    let golden: Golden = serde_json::from_str(include_str!("golden/resnet18.json"))?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("part.safetensors");
    let mut part = weights(&golden);
    part.retain(|(name, _)| !name.starts_with("layer4.1.bn2"));
    Tensor::write_safetensors(&part, &file)?;
    let error = vision_learner(data()?, resnet18, &*file)?.quiet().build().err().ok_or("a part")?.to_string();
    assert!(error.contains("part.safetensors") && error.contains("`layer4.1.bn2.bias`"), "{error}");
    let error = vision_learner(data()?, resnet18, "no/such/file")?.quiet().build().err().ok_or("no file")?;
    assert!(matches!(error, Error::Weights { .. }), "{error}");
    Ok(())
}

/// A network of a few numbers, for tests.
fn small(path: &nn::Path<'_>) -> Trunk {
    let conv = nn::conv2d(path / "conv", 3, 8, 3, nn::ConvConfig::default());
    Trunk::new(nn::func(move |x| x.apply(&conv).relu().adaptive_avg_pool2d([1, 1]).flatten(1, -1)), 8)
}

/// Photos of two colours and many sizes.
fn photos(folder: &Path) -> Outcome {
    for (class, shade) in [("blue", [30, 40, 200]), ("red", [200, 40, 30])] {
        std::fs::create_dir_all(folder.join(class))?;
        for i in 0..20_u32 {
            let grain = |x: u32, y: u32| ((x * 7 + y * 13 + i * 29) % 40) as u8;
            let image = RgbImage::from_fn(24 + i, 40 - i, |x, y| Rgb(shade.map(|value: u8| value + grain(x, y))));
            image.save_with_format(folder.join(class).join(format!("{i}.png")), ImageFormat::Png)?;
        }
    }
    Ok(())
}

fn pictures(folder: &Path) -> Result<Data, BoxError> {
    let data =
        ImageData::from_folder(folder)?.split(RandomSplit::new(0.25, 1).stratified()).items(Resize::new(16).crop());
    Ok(data.augment([RandomFlip::horizontal()]).normalize(Normalize::from_data()).batch_size(10).build()?)
}

/// The trunk's weights in a file under their own names.
fn pretrained(folder: &Path) -> Result<std::path::PathBuf, BoxError> {
    let file = folder.join("small.safetensors");
    let conv = [("conv.weight", vec![8, 3, 3, 3]), ("conv.bias", vec![8])];
    let conv =
        conv.map(|(name, shape)| (name, wave(shape.iter().product(), 3).reshape(shape).to_kind(Kind::Float) * 0.3));
    Tensor::write_safetensors(&conv, &file)?;
    Ok(file)
}

#[test]
fn a_pretrained_trunk_is_frozen_at_first_and_fine_tuned_after_the_head() -> Outcome {
    let folder = tempfile::tempdir()?;
    photos(&folder.path().join("photos"))?;
    let file = pretrained(folder.path())?;
    let data = || pictures(&folder.path().join("photos"));
    let mut learn = vision_learner(data()?, small, &*file)?.metric(accuracy).seed(3).quiet().build()?;
    assert_eq!(learn.params().groups(), ["trunk", "head"]);
    let conv = |learn: &Learner| learn.params().var_store().variables()["trunk.conv.weight"].copy();
    let first = conv(&learn);
    learn.fit(1, 1e-2)?;
    assert!(conv(&learn).equal(&first), "it is frozen");
    let report = learn.fine_tune(3)?;
    assert!(!conv(&learn).equal(&first), "it was trained");
    let [trunk, head] = [learn.opt().hyper("trunk")?.lr, learn.opt().hyper("head")?.lr];
    assert!((trunk * 100.0 / head - 1.0).abs() < 1e-9, "{trunk} and {head}");
    assert!(report.metric("accuracy") >= Some(0.9), "{:?}", report.metric("accuracy"));
    // Drawn weights have nothing to keep.
    let mut random = vision_learner(data()?, small, Weights::Random)?.quiet().build()?;
    let first = conv(&random);
    random.fit(1, 1e-2)?;
    assert!(!conv(&random).equal(&first));
    Ok(())
}

#[test]
fn a_bundle_predicts_new_pictures_in_a_fresh_process() -> Outcome {
    let folder = tempfile::tempdir()?;
    photos(&folder.path().join("photos"))?;
    let mut learn =
        vision_learner(pictures(&folder.path().join("photos"))?, small, Weights::Random)?.seed(3).quiet().build()?;
    learn.fit(12, 1e-2)?;
    let bundle = folder.path().join("colours.safetensors");
    learn.save_bundle(&bundle)?;
    let normalize = learn.data().normalize().ok_or("it was asked for")?;
    let new = ImageData::unlabelled(folder.path().join("photos"))?
        .items(Resize::new(16).crop())
        .normalize(normalize)
        .loader()?;
    let expected = learn.predictions_on(&new)?;
    assert!(expected.targets.is_none());

    let predictor = vision_predictor(&bundle, small)?;
    let prepared = predictor.prepare(ImageData::unlabelled(folder.path().join("photos"))?)?.loader()?.all()?.input;
    assert_eq!(prepared.one()?, new.all()?.input.one()?, "sizes and normalization are in the bundle");
    let found = predictor.predict(&prepared)?;
    assert!(found.outputs.allclose(&expected.outputs, 1e-5, 1e-6, false));
    let best = found.best()?;
    let right = best.iter().enumerate().filter(|(i, best)| best.class == if *i < 20 { "blue" } else { "red" }).count();
    assert!(right >= 38, "{right} of 40");
    Ok(())
}

/// Halves all pixels.
#[derive(Debug)]
struct Darker;

impl Transform for Darker {
    fn apply(&self, mut picture: Picture, _: &mut Rng) -> Result<Picture, TransformError> {
        picture.pixels_mut().iter_mut().for_each(|pixel| *pixel /= 2);
        Ok(picture)
    }
}

#[test]
fn a_bundle_says_why_it_can_t_prepare_pictures() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (photos_at, bundle) = (folder.path().join("photos"), folder.path().join("x.safetensors"));
    photos(&photos_at)?;
    let refused = |data: Data| -> Result<String, BoxError> {
        Learner::builder(data, |vs| VisionModel::new(vs, small, 2)).quiet().build()?.save_bundle(&bundle)?;
        let predictor = vision_predictor(&bundle, small)?;
        Ok(predictor.prepare(ImageData::unlabelled(&photos_at)?).err().ok_or("it is refused")?.to_string())
    };
    let advice = "prepare them in this program as in training, and give the batches to `predict`";
    let plain = || -> Result<_, BoxError> { Ok(ImageData::from_folder(&photos_at)?.split(RandomSplit::new(0.25, 1))) };
    let begin = "the bundle can't say how pictures are prepared, because";
    assert_eq!(
        refused(plain()?.items(Darker).items(Resize::new(16)).build()?)?,
        format!("{begin} the transform `Darker` has no recipe, or does not change all pictures: {advice}")
    );
    let tensors = TensorDataset::new(images(), Tensor::from_slice(&[0_i64, 1]).repeat([images().size()[0] / 2]))?;
    assert_eq!(
        refused(Data::builder(tensors).classes(["a", "b"]).build()?)?,
        format!("{begin} the training data was not made by `ImageData`: {advice}")
    );
    Ok(())
}

#[test]
fn batches_and_results_are_drawn_with_their_labels() -> Outcome {
    let folder = tempfile::tempdir()?;
    photos(&folder.path().join("photos"))?;
    let data = pictures(&folder.path().join("photos"))?;
    let [batch, results, mixed] = ["batch.png", "results.png", "mixed.png"].map(|name| folder.path().join(name));
    data.show_batch(&batch)?;
    // Pictures of 16 pixels are enlarged eight times; ten of them take four columns and three rows.
    let drawn = image::open(&batch)?.to_rgb8();
    assert_eq!(drawn.dimensions(), (4 * (128 + 12), 3 * (128 + 15 + 12)));
    // The normalization is undone: the first pixels have the colours of the photos, to one step.
    let pixel = drawn.get_pixel(6, 6).0;
    assert!(pixel[1] < 85 && (pixel[0] > 195 || pixel[2] > 195), "{pixel:?}");
    assert!(drawn.enumerate_pixels().any(|(_, y, pixel)| (134..149).contains(&y) && pixel.0 == [0; 3]), "letters");

    let (target, other) = (Target::from(Tensor::from_slice(&[0_i64])), Target::from(Tensor::from_slice(&[1_i64])));
    let weight = Tensor::from_slice(&[0.7_f32]);
    let target = Target::Mixed { first: target.into(), second: other.into(), weight };
    let one = data.train().sample()?.input;
    data.show(&Batch { input: one, target }, &mixed)?;
    assert!(mixed.exists());

    let mut learn = vision_learner(data, small, Weights::Random)?.quiet().build()?;
    learn.fit(8, 1e-2)?;
    learn.show_results(&results)?;
    let drawn = image::open(&results)?.to_rgb8();
    assert!(drawn.pixels().any(|pixel| pixel.0 == [0, 110, 40]), "some are right, which is green");
    Ok(())
}

/// Sees the first batch of each training as the model gets it, and what is frozen in each epoch.
#[derive(Default)]
struct Sees {
    first: Vec<u8>,
    trunk_trains: Vec<bool>,
}

#[callback(stateless)]
impl Sees {
    #[on(loss_begin, train, first, if = epoch == 0)]
    fn see(&mut self, data: &Data, last_input: &Input, last_target: &Target) -> Outcome {
        self.first = data.png(last_input, last_target)?.0;
        Ok(())
    }

    fn on_epoch_end(&mut self, params: &Params) {
        self.trunk_trains.push(params.as_slice().iter().any(|it| it.name().starts_with("trunk.") && !it.is_frozen()));
    }
}

#[test]
fn the_batch_that_is_shown_is_the_mixed_one_with_which_the_next_training_begins() -> Outcome {
    let folder = tempfile::tempdir()?;
    let [shown, log] = ["mixed.png", "log.csv"].map(|name| folder.path().join(name));
    photos(&folder.path().join("photos"))?;
    let build = || -> Result<Learner, BoxError> {
        let data = pictures(&folder.path().join("photos"))?;
        let builder = vision_learner(data, small, Weights::Random)?.mixup().seed(7).quiet();
        Ok(builder.callback(RandomErasing::new()).callback(CsvLogger::to(&log)).callback(Sees::default()).build()?)
    };
    let (mut with, mut without) = (build()?, build()?);
    for learn in [&mut with, &mut without] {
        learn.fit(1, 1e-2)?;
    }
    let (state, rows, written) = (with.state()?, with.report().epochs, std::fs::read_to_string(&log)?);
    with.show_batch(&shown)?;
    assert_eq!((with.state()?, with.report().epochs), (state, rows));
    assert_eq!(std::fs::read_to_string(&log)?, written, "a logger does not take it for a training");
    let weights = |learn: &Learner| learn.params().iter().map(|(_, param)| param.copy()).collect::<Vec<_>>();
    let unmixed = with.get::<Sees>().ok_or("it was added")?.first.clone();
    for learn in [&mut with, &mut without] {
        learn.fit(1, 1e-2)?;
    }
    assert_eq!(weights(&with), weights(&without));
    let first = &with.get::<Sees>().ok_or("it was added")?.first;
    assert!(std::fs::read(&shown)? == *first && *first != unmixed);
    Ok(())
}

#[test]
fn a_batch_that_can_t_be_shown_is_an_error_that_says_why() -> Outcome {
    let folder = tempfile::tempdir()?;
    let learner = |data| Learner::builder(data, |vs| VisionModel::new(vs, small, 2)).quiet().build();
    let error = learner(data()?)?.show_batch(folder.path().join("no/x.png")).expect_err("no such folder").to_string();
    assert!(error.contains("no/x.png can't be written") && error.contains("folders does not exist"), "{error}");
    let numbers =
        TensorDataset::new(Tensor::zeros([4, 3], (Kind::Float, Device::Cpu)), Tensor::from_slice(&[0_i64; 4]))?;
    let error = learner(Data::builder(numbers).build()?)?.show_batch(folder.path().join("x.png")).expect_err("numbers");
    assert!(error.to_string().contains("pictures"), "{error}");
    Ok(())
}

/// The second process is this test, with the bundle and the photos in its environment.
#[test]
fn a_fine_tuned_resnet_predicts_new_photos_in_a_fresh_process() -> Outcome {
    const BUNDLE: &str = "MIXUP_TEST_BUNDLE";
    const PHOTOS: &str = "MIXUP_TEST_PHOTOS";
    if let (Some(bundle), Some(photos)) = (std::env::var_os(BUNDLE), std::env::var_os(PHOTOS)) {
        let predictor = vision_predictor(bundle, resnet18)?;
        let photos = predictor.prepare(ImageData::unlabelled(photos)?)?.loader()?;
        for (item, best) in predictor.predict(&photos.all()?.input)?.best()?.iter().enumerate() {
            println!("found {}: {best}", photos.name(item));
        }
        return Ok(());
    }
    let golden: Golden = serde_json::from_str(include_str!("golden/resnet18.json"))?;
    let folder = tempfile::tempdir()?;
    let [at, file, bundle] =
        ["photos", "resnet18.safetensors", "pets.safetensors"].map(|name| folder.path().join(name));
    photos(&at)?;
    Tensor::write_safetensors(&weights(&golden), &file)?;
    let data = ImageData::from_folder(&at)?.split(RandomSplit::new(0.25, 1).stratified()).items(Resize::new(32).crop());
    let data = data.augment([RandomFlip::horizontal()]).normalize(Normalize::IMAGENET).batch_size(10).build()?;
    let builder = vision_learner(data, resnet18, &*file)?.metric(accuracy).mixup().callback(Sees::default()).seed(3);
    let mut learn = builder.quiet().build()?;
    learn.fine_tune(2)?;
    assert_eq!(learn.get::<Sees>().ok_or("it was added")?.trunk_trains, [false, true, true]);
    learn.save_bundle(&bundle)?;
    let new = ImageData::unlabelled(&at)?.items(Resize::new(32).crop()).normalize(Normalize::IMAGENET).loader()?;
    let best = learn.predictions_on(&new)?.best()?;

    let mut fresh = std::process::Command::new(std::env::current_exe()?);
    let fresh = fresh.args(["--exact", "a_fine_tuned_resnet_predicts_new_photos_in_a_fresh_process", "--nocapture"]);
    let output = String::from_utf8(fresh.env(BUNDLE, &bundle).env(PHOTOS, &at).output()?.stdout)?;
    let found: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("found ")).collect();
    let wanted = best.iter().enumerate().map(|(item, best)| format!("{}: {best}", new.name(item)));
    assert_eq!(found, wanted.collect::<Vec<_>>());
    assert_eq!(found.len(), 40);
    assert!(found[0].starts_with(&format!("{}: ", at.join("blue/0.png").display())), "{}", found[0]);
    Ok(())
}

/// Items that have only names.
struct Letters(&'static str);

impl Dataset for Letters {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, _: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
        Err(DataError::other("there are only names"))
    }

    fn name(&self, index: usize) -> String {
        self.0[index..=index].to_owned()
    }
}

#[test]
fn an_item_has_the_name_of_its_file_wherever_it_is() -> Outcome {
    let folder = tempfile::tempdir()?;
    photos(folder.path())?;
    let data = pictures(folder.path())?;
    let valid = data.valid().ok_or("a quarter")?;
    let names: Vec<_> = (0..10).map(|item| valid.name(item)).collect();
    assert!(
        names.iter().all(|name| Path::new(name).starts_with(folder.path()) && Path::new(name).exists()),
        "{names:?}"
    );
    let mut learn = vision_learner(data, small, Weights::Random)?.quiet().build()?;
    let found = learn.interpret()?;
    assert!(found.items().iter().map(|item| &item.name).eq(&names));
    assert!(found.top_losses(1)[0].to_string().contains(".png: "));

    let both = Concat::new([Subset::new(Letters("abc"), [2, 0])?, Subset::new(Letters("xyz"), [1])?]);
    let loader = Loader::new(both, 2)?;
    assert_eq!([0, 1, 2, 3].map(|item| loader.name(item)), ["c", "a", "y", "item 3"]);
    let unnamed = Loader::new(TensorDataset::unlabelled(images())?, 2)?;
    assert_eq!(unnamed.name(1), "item 1");
    Ok(())
}

#[test]
fn the_summary_counts_classes_and_says_what_is_unequal() -> Outcome {
    let folder = tempfile::tempdir()?;
    photos(folder.path())?;
    for i in 5..20 {
        std::fs::remove_file(folder.path().join(format!("red/{i}.png")))?;
    }
    let data = ImageData::from_folder(folder.path())?.items(Resize::new(16).pad()).normalize(Normalize::IMAGENET);
    let summary = data.build()?.summary().to_string();
    let expected = "25 training images of 3×16×16 in 2 classes, no validation\n\
         sizes      20 different ones, from 43×21 to 32×32 (width×height)\n\
         memory     decoded once and kept\n\
         normalized mean 0.485, 0.456, 0.406, deviation 0.229, 0.224, 0.225\n\
         training\n  \
         blue        20 ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪\n  \
         red          5 ▪▪▪▪▪▪▪▪\n  \
         the largest class has 4.0 times as many as the smallest: `.balanced()` draws them equally often";
    assert_eq!(summary, expected);
    let balanced = ImageData::from_folder(folder.path())?.items(Resize::new(16).pad()).balanced().build()?;
    let (mut all, mut red) = (0, 0);
    for seed in 0..40 {
        let order = balanced.train().order(&mut rand::SeedableRng::seed_from_u64(seed))?;
        all += order.len();
        red += order.iter().filter(|index| **index >= 20).count();
    }
    // 1,000 draws with a half for each class have a deviation of 16.
    assert!(all == 1000 && (420..=580).contains(&red), "{red} of {all}");
    Ok(())
}
