//! The examples that are ports of `tch`'s own programs run, and learn what they should.

#[path = "../examples/gan.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod gan;
#[path = "../examples/policy_gradient.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod policy_gradient;
#[path = "../examples/transfer_learning.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod transfer_learning;

#[test]
fn transfer_learning_learns_with_the_trunk_frozen_and_better_with_everything_trained() {
    let (head, all) = transfer_learning::transfer().expect("it trains");
    assert!(head > 0.8 && all > head, "accuracies of {head} and {all}");
}

#[test]
fn gan_learns_to_make_images_like_the_digits_on_average() {
    tch::set_num_threads(1); // with so few numbers, a second thread would only cause waiting
    let folder = tempfile::tempdir().expect("a folder");
    let data = mixup::prelude::ImageData::digits().expect("they are embedded").batch_size(32).build().expect("images");
    let (before, after) = gan::train(data, 4, folder.path()).expect("it trains");
    assert!(after < 0.6 * before, "{before}, then {after}");
    assert!(folder.path().join("gan-1.png").is_file());
}

#[test]
fn policy_gradient_balances_the_pole_longer() {
    let (first, last) = policy_gradient::train(15, 1_500).expect("it trains");
    assert!(last > 2.0 * first, "rewards of {first}, then {last}");
}
