//! The examples that are ports of `tch`'s own programs run, and learn what they should.

#[path = "../examples/transfer_learning.rs"]
#[allow(dead_code, reason = "its `main` is not called")]
mod transfer_learning;

#[test]
fn transfer_learning_learns_with_the_trunk_frozen_and_better_with_everything_trained() {
    let (head, all) = transfer_learning::transfer().expect("it trains");
    assert!(head > 0.8 && all > head, "accuracies of {head} and {all}");
}
