//! The examples that are ports of `tch`'s own programs run, and learn what they should. Each has a process of its own: all draw from
//! libtorch's generator.
#![allow(dead_code, reason = "the examples' `main` and their settings for large data are not used")]
#![allow(clippy::duplicate_mod, reason = "each example has its own copy of what it shares with others")]

#[path = "../examples/char_rnn.rs"]
mod char_rnn;
#[path = "../examples/cifar.rs"]
mod cifar;
#[path = "../examples/gan.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod gan;
#[path = "../examples/min_gpt.rs"]
mod min_gpt;
#[path = "../examples/policy_gradient.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod policy_gradient;
#[path = "support/process.rs"]
mod process;
#[path = "../examples/transfer_learning.rs"]
mod transfer_learning;
#[path = "../examples/vae.rs"]
mod vae;

use mixup::prelude::*;
use tch::{Kind, Tensor};

/// The bundled digits in batches of `batch_size`.
fn digits(batch_size: usize) -> ImageData {
    tch::set_num_threads(1); // for such small batches, and so that the tests do not wait for each other
    ImageData::digits().expect("they are bundled").batch_size(batch_size)
}

#[test]
fn transfer_learning_learns_with_the_trunk_frozen_and_better_with_everything_trained() {
    if !process::alone("transfer_learning_learns_with_the_trunk_frozen_and_better_with_everything_trained") {
        return;
    }
    tch::set_num_threads(1);
    let (head, all) = transfer_learning::transfer().expect("it trains");
    assert!(head > 0.8 && all > head, "accuracies of {head} and {all}");
}

#[test]
fn cifar_learns_from_images_that_are_moved_mirrored_and_blotted_at_a_rate_that_falls() {
    if !process::alone("cifar_learns_from_images_that_are_moved_mirrored_and_blotted_at_a_rate_that_falls") {
        return;
    }
    let learn = cifar::train(digits(16).rgb().build().expect("they fit"), 8, 6).expect("it trains");
    let accuracy = learn.report().metric("accuracy").expect("there is validation data");
    assert!(accuracy > 0.5, "accuracy {accuracy}, and chance would be 0.1");
    assert!((learn.opt().lr() - 0.001).abs() < 1e-12, "the learning rate is {}", learn.opt().lr());
}

/// The entropy of a text's characters: the loss of a model that knows only how often each of them occurs.
fn entropy(text: &str) -> f64 {
    let all = text.chars().count() as f64;
    let share = |character| text.chars().filter(|&other| other == character).count() as f64 / all;
    text.chars().map(|character| -share(character).ln()).sum::<f64>() / all
}

fn assert_learns_what_follows(learn: &Learner, text: &str) {
    let (loss, entropy) = (learn.report().last().expect("it has epochs").train_loss, entropy(text));
    assert!(loss < entropy, "a loss of {loss}, and an entropy of {entropy}");
}

#[test]
fn char_rnn_learns_what_follows_a_character_and_writes() {
    if !process::alone("char_rnn_learns_what_follows_a_character_and_writes") {
        return;
    }
    tch::set_num_threads(1);
    let text = include_str!("../examples/char_rnn.rs");
    let learn = char_rnn::train(text, char_rnn::Settings::SMALL).expect("it trains");
    assert_learns_what_follows(&learn, text);
    let written = learn.model_as::<char_rnn::CharRnn>().expect("it is one").write(50).expect("it writes");
    assert_eq!(written.chars().count(), 51);
}

#[test]
fn min_gpt_learns_what_follows_a_character_and_continues_a_text_once_it_is_loaded() {
    if !process::alone("min_gpt_learns_what_follows_a_character_and_continues_a_text_once_it_is_loaded") {
        return;
    }
    tch::set_num_threads(1);
    let (text, settings) = (include_str!("../examples/min_gpt.rs"), min_gpt::Settings::SMALL);
    let learn = min_gpt::train(text, settings).expect("it trains");
    assert_learns_what_follows(&learn, text);
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("gpt.ot");
    learn.params().var_store().save(&file).expect("it can be written");
    let written = min_gpt::predict(text, &file, "fn ", settings).expect("it writes");
    assert!(written.starts_with("fn ") && written.chars().count() > 100, "{written:?}");
}

/// The loss of a decoder that returns the mean image for every code: the entropy of its pixels.
fn entropy_of_mean_image() -> f64 {
    let batch = digits(64).build().expect("they fit").train().all().expect("they can be read");
    let images = batch.input.one().expect("it is one tensor").flatten(1, -1);
    let mean = images.mean_dim(0_i64, false, Kind::Double);
    let of_dark: Tensor = 1.0 - &mean;
    -(mean.xlogy(&mean) + of_dark.xlogy(&of_dark)).sum(Kind::Double).double_value(&[])
}

#[test]
fn vae_codes_more_than_the_mean_image_and_draws_after_each_epoch() {
    if !process::alone("vae_codes_more_than_the_mean_image_and_draws_after_each_epoch") {
        return;
    }
    let out = tempfile::tempdir().expect("there is room");
    let report = vae::train(digits(32).build().expect("they fit"), 8, out.path().to_owned()).expect("it trains");
    let loss = report.last().and_then(|epoch| epoch.valid_loss).expect("there is validation data");
    let constant = entropy_of_mean_image();
    assert!(loss < constant, "a loss of {loss}, and {constant} with the mean image for all");
    for epoch in 1..=20 {
        let drawn = image::open(out.path().join(format!("s_{epoch}.png"))).expect("it is an image");
        assert_eq!((drawn.width(), drawn.height()), (64, 64));
    }
}

#[test]
fn gan_learns_to_make_images_like_the_digits_on_average() {
    if !process::alone("gan_learns_to_make_images_like_the_digits_on_average") {
        return;
    }
    tch::set_num_threads(1); // with so few numbers, a second thread would only cause waiting
    let folder = tempfile::tempdir().expect("a folder");
    let data = mixup::prelude::ImageData::digits().expect("they are embedded").batch_size(32).build().expect("images");
    let (before, after) = gan::train(data, 4, folder.path()).expect("it trains");
    assert!(after < 0.6 * before, "{before}, then {after}");
    assert!(folder.path().join("gan-1.png").is_file());
}

#[test]
fn policy_gradient_balances_the_pole_longer() {
    if !process::alone("policy_gradient_balances_the_pole_longer") {
        return;
    }
    let (first, last) = policy_gradient::train(15, 1_500).expect("it trains");
    assert!(last > 2.0 * first, "rewards of {first}, then {last}");
}
