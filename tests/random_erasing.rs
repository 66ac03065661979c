//! Random erasing: which images lose a box, and how large it is.

use mixup::prelude::*;
use tch::{Device, Kind, Tensor};

#[derive(Default)]
struct Seen(Vec<Tensor>);

#[callback(after = RandomErasing)]
impl Seen {
    #[on(batch_begin)]
    fn see(&mut self, last_input: &Input, train: bool) -> Result<(), BoxError> {
        let input = last_input.one()?;
        if train {
            self.0.push(input.copy());
        } else {
            assert!(input.min().double_value(&[]) >= 1.0, "validation has all pixels");
        }
        Ok(())
    }
}

/// The training batches of an epoch on 400 white images of 3×32×32.
fn batches(erasing: RandomErasing) -> Result<Vec<Tensor>, BoxError> {
    let items = |n| {
        TensorDataset::new(
            Tensor::ones([n, 3, 32, 32], (Kind::Float, Device::Cpu)),
            Tensor::zeros([n], (Kind::Int64, Device::Cpu)),
        )
    };
    let data = Data::builder(items(400)?).valid(items(8)?).batch_size(100).build()?;
    let mut learn = Learner::builder(data, |vs| simple_cnn(vs, &[3, 4, 2]))
        .callback(erasing)
        .callback(Seen::default())
        .seed(3)
        .quiet()
        .build()?;
    learn.fit(1, 1e-3)?;
    let seen = learn.get::<Seen>().ok_or("it was added")?;
    Ok(seen.0.iter().map(Tensor::shallow_clone).collect())
}

#[test]
fn the_share_of_the_images_and_the_size_of_the_boxes_are_those_of_torchvision() -> Result<(), BoxError> {
    let all = Tensor::cat(&batches(RandomErasing::new())?, 0);
    let erased = all.eq(0.0).to_kind(Kind::Float).mean_dim([1_i64, 2, 3].as_slice(), false, Kind::Float);
    let shares: Vec<f32> = Vec::try_from(&erased)?;
    let boxes: Vec<f32> = shares.into_iter().filter(|share| *share > 0.0).collect();
    assert!((160..=240).contains(&boxes.len()), "half of 400: {}", boxes.len());
    // A side is rounded to whole pixels.
    assert!(boxes.iter().all(|share| (0.015..=0.36).contains(share)), "{boxes:?}");
    // torchvision 0.28, RandomErasing(p=1) on 20,000 images of 3×32×32: 0.1749 of the image on average
    let mean = boxes.iter().sum::<f32>() / boxes.len() as f32;
    assert!((mean - 0.175).abs() < 0.025, "{mean}");
    // All channels lose the same box.
    assert!(all.select(1, 0).equal(&all.select(1, 2)));
    Ok(())
}

#[test]
fn noise_has_the_deviation_of_normalized_images() -> Result<(), BoxError> {
    let all = Tensor::cat(&batches(RandomErasing::new().probability(1.0).noise())?, 0);
    let noise = all.masked_select(&all.ne(1.0));
    assert!(noise.mean(Kind::Float).double_value(&[]).abs() < 0.02);
    assert!((noise.std(true).double_value(&[]) - 1.0).abs() < 0.02);
    Ok(())
}

#[test]
fn wrong_settings_and_inputs_without_pixels_are_errors() -> Result<(), BoxError> {
    let error = batches(RandomErasing::new().scale(0.5, 0.1)).expect_err("exchanged");
    assert!(
        error.to_string().ends_with(
            "`RandomErasing` has scale = 0.5 to 0.1, but it must be two shares of the image, above 0 and at most 1"
        ),
        "{error}"
    );
    let rows = TensorDataset::new(
        Tensor::ones([4, 3], (Kind::Float, Device::Cpu)),
        Tensor::zeros([4, 1], (Kind::Float, Device::Cpu)),
    )?;
    let model = |vs: &mixup::model::Vars<'_>| tch::nn::linear(vs, 3, 1, tch::nn::LinearConfig::default());
    let mut learn = Learner::builder(Data::builder(rows).build()?, model)
        .loss(Mse)
        .callback(RandomErasing::new())
        .quiet()
        .build()?;
    let error = learn.fit(1, 1e-3).expect_err("rows").to_string();
    assert!(error.ends_with("random erasing needs images `[n, c, h, w]`, but the input is [4, 3]"), "{error}");
    Ok(())
}
