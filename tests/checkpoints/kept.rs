//! Which checkpoints are written, and which stay.

use std::{fs, time::Duration};

use mixup::prelude::*;

use super::{FailAt, files, learner};

fn numbers(folder: &std::path::Path) -> Vec<u64> {
    let number = |name: &String| name["checkpoint-".len()..].trim_end_matches(".safetensors").parse();
    files(folder).iter().map(|name| number(name).expect("a number")).collect()
}

fn trained(checkpoints: impl FnOnce(Checkpoints) -> Checkpoints, epochs: usize) -> Vec<u64> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut learn = learner(checkpoints(Checkpoints::in_dir(folder.path()))).build().expect("it fits");
    learn.fit(epochs, 0.05).expect("it trains");
    numbers(folder.path())
}

#[test]
fn the_last_ones_are_kept_and_older_ones_are_removed() {
    assert_eq!(trained(|it| it, 5), [4, 5]);
    assert_eq!(trained(|it| it.keep_last(3), 5), [3, 4, 5]);
    assert_eq!(trained(|it| it.every_epochs(2).keep_last(9), 5), [1, 2, 3], "after two, four and the last epoch");
    assert_eq!(
        trained(|it| it.every_batches(3).keep_last(9), 3).len(),
        5,
        "after 3, 6, 9 and 12 of 12 batches, and at the end"
    );
    assert_eq!(trained(|it| it.every(Duration::ZERO).keep_last(99), 1).len(), 7, "before each batch and at the end");
    assert_eq!(trained(|it| it.every(Duration::from_secs(3600)).keep_last(9), 3), [1], "at the end in any case");
}

/// Publishes numbers of which the second is the best.
struct Score;

#[callback]
impl Score {
    fn on_epoch_end(&self, epoch: usize, score: &mut Value) {
        score.set([0.2, 0.9, 0.5, 0.7, 0.1][epoch]);
    }
}

#[test]
fn the_best_one_is_kept_beside_the_last_ones_also_after_a_break() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Checkpoints::in_dir(folder.path()).keep_best("score").keep_last(1);
    learner(kept()).callback(Score).callback(FailAt(14)).build().expect("it fits").fit(5, 0.05).expect_err("it fails");
    assert_eq!(numbers(folder.path()), [2, 3]);
    learner(kept()).callback(Score).callback(FailAt(99)).build().expect("it fits").resume().expect("it goes on");
    assert_eq!(numbers(folder.path()), [2, 3, 5], "the best one, the one it went on from, and the last one");
}

#[test]
fn a_metric_may_say_which_is_best_and_a_value_that_does_not_exist_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    learner(Checkpoints::in_dir(folder.path()).keep_best(accuracy)).build().expect("it is a metric");
    let error = learner(Checkpoints::in_dir(folder.path()).keep_best("acuracy")).build().err().expect("a typing error");
    assert_eq!(
        error.to_string(),
        "the best checkpoint is to be kept by `acuracy`, and there is no such value: the values are `train_loss`, `smooth_loss`, \
         `valid_loss` and `accuracy`"
    );
}

#[test]
fn checkpoints_of_another_training_in_the_folder_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Checkpoints::in_dir(folder.path()).keep_last(1);
    learner(kept()).build().expect("it fits").fit(2, 0.05).expect("it trains");
    assert_eq!(numbers(folder.path()), [2]);
    learner(kept()).build().expect("it fits").fit(2, 0.05).expect("it trains");
    assert_eq!(numbers(folder.path()), [2, 4]);
}

#[test]
fn a_file_of_a_process_that_was_killed_while_writing_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let stale = folder.path().join(".checkpoint-00000001.safetensors.17-0.mixup-tmp");
    fs::write(&stale, "half").expect("it can be written");
    learner(Checkpoints::in_dir(folder.path())).build().expect("it fits").fit(1, 0.05).expect("it trains");
    assert!(!stale.exists());
}

#[test]
fn a_learner_without_checkpoints_writes_none_and_says_so_when_it_should_go_on() {
    let mut learn = super::on(super::data(8, 0)).build().expect("it fits");
    let error = learn.resume().expect_err("it has no folder").to_string();
    assert_eq!(error, "this learner has no checkpoints: give the builder `.checkpoints(Checkpoints::in_dir(…))`");
    let folder = tempfile::tempdir().expect("a folder");
    let mut learn = learner(Checkpoints::in_dir(folder.path().join("deep/er"))).build().expect("it fits");
    let error = learn.resume().expect_err("it is empty").to_string();
    assert!(error.starts_with("there is no whole checkpoint in"), "{error}");
}
