//! Ways out that begin outside of the hooks: a checkpoint that can't be written, and a loss that is not a number.

use std::{cell::Cell, fs, path::PathBuf, time::Duration};

use mixup::{callback::Hook, prelude::*};
use tch::Tensor;

use crate::support::{
    bits, data,
    fuse::{Fuse, Saboteur},
    gradients, numbers, on,
};

/// Removes the folder of the checkpoints in a training batch.
struct RemoveFolder(PathBuf, usize);

#[callback]
impl RemoveFolder {
    #[on(batch_begin, train, if = iteration == self.1)]
    fn remove(&self) -> std::io::Result<()> {
        fs::remove_dir_all(&self.0)
    }
}

/// The hooks that a training has passed, from its begin to its end.
fn hooks(fuse: &Fuse) -> (Vec<String>, usize) {
    let passed = fuse.passed.take();
    let count = |hook: Hook| passed.iter().filter(|line| **line == format!("Hook({hook:?})")).count();
    assert_eq!((count(Hook::TrainBegin), count(Hook::TrainEnd)), (1, 1), "{passed:#?}");
    assert_eq!(passed.last(), Some(&format!("Hook({:?})", Hook::TrainEnd)));
    for (begin, end) in [
        (Hook::BatchBegin, Hook::BatchEndAlways),
        (Hook::ValidateBegin, Hook::ValidateEndAlways),
        (Hook::EpochBegin, Hook::EpochEndAlways),
    ] {
        assert_eq!(count(begin), count(end), "{begin:?}, {passed:#?}");
    }
    let batches = count(Hook::BatchBegin);
    (passed, batches)
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_training_as_an_error_does() {
    for fails in 0..8 {
        let (fuse, parent) = (Fuse::default(), tempfile::tempdir().expect("a folder"));
        let folder = parent.path().join("checkpoints");
        let kept = Checkpoints::in_dir(&folder).every(Duration::ZERO);
        let builder = on(data(16, 7)).callback(Saboteur(fuse.clone())).callback(RemoveFolder(folder.clone(), fails));
        let mut learn = builder.checkpoints(kept).build().expect("nothing is wrong with it");
        let original = learn.loss_func().clone();
        let error = learn.fit(2, 0.1).expect_err("there is no folder");
        assert!(matches!(error, Error::File { .. }), "{error:?}");
        assert!(error.to_string().contains("checkpoint-"), "it names the file: {error}");
        assert_eq!(learn.report().outcome, Outcome::Failed { error: error.to_string() });
        hooks(&fuse);
        assert!(learn.loss_func().is_same(&original) && gradients(&learn).is_empty());
        // It trains again, into a new folder.
        learn.get_mut::<RemoveFolder>().expect("it was added").1 = usize::MAX;
        let before = bits(&learn);
        assert_eq!(learn.fit(1, 0.1).expect("it trains on").outcome, Outcome::Finished);
        assert_ne!(bits(&learn), before);
        assert!(folder.is_dir());
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_does_not_end_a_training_that_is_to_go_on() {
    let mut whole = on(data(16, 7)).build().expect("nothing is wrong with it");
    whole.fit(2, 0.1).expect("it trains");
    for fails in [0, 3, 7] {
        let (fuse, parent) = (Fuse::default(), tempfile::tempdir().expect("a folder"));
        let folder = parent.path().join("checkpoints");
        let kept = Checkpoints::in_dir(&folder).every(Duration::ZERO).or_go_on();
        let builder = on(data(16, 7)).callback(Saboteur(fuse.clone())).callback(RemoveFolder(folder, fails));
        let mut learn = builder.checkpoints(kept).build().expect("nothing is wrong with it");
        assert_eq!(learn.fit(2, 0.1).expect("it goes on").outcome, Outcome::Finished);
        let (_, batches) = hooks(&fuse);
        assert_eq!(batches, 2 * (4 + 2));
        assert_eq!(bits(&learn), bits(&whole));
    }
}

/// A loss that is not a number in one of its calls.
struct NanAt(CrossEntropy, Cell<usize>);

impl Loss for NanAt {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        let left = self.1.get();
        self.1.set(left.wrapping_sub(1));
        let loss = self.0.loss(output, target, reduction)?;
        Ok(if left == 0 { loss * f64::NAN } else { loss })
    }

    fn check(&self, _: &Tensor, _: &Target) -> Result<(), BoxError> {
        Ok(())
    }
}

#[test]
fn a_loss_that_is_not_a_number_ends_a_training_that_asks_for_it_before_the_step() {
    for at in 0..4 {
        let fuse = Fuse::default();
        let loss = NanAt(CrossEntropy::default(), Cell::new(at));
        let builder = on(data(16, 7)).loss(loss).callback(TerminateOnNan::default()).callback(Saboteur(fuse.clone()));
        let mut learn = builder.build().expect("nothing is wrong with it");
        let report = learn.fit(2, 0.1).expect("a stop is no error");
        assert!(matches!(&report.outcome, Outcome::Stopped { by, .. } if by == "TerminateOnNan"), "{}", report.outcome);
        let (_, batches) = hooks(&fuse);
        assert_eq!(batches, at + 1);
        assert!(numbers(&learn).iter().all(|number| number.is_finite()), "the step is not taken");
        assert!(gradients(&learn).is_empty());
        let report = learn.fit(1, 0.1).expect("it trains on");
        assert!(report.epochs[0].train_loss.is_finite());
    }
}

#[test]
fn a_loss_that_is_not_a_number_is_in_the_report_if_nobody_asks_for_it() {
    let loss = NanAt(CrossEntropy::default(), Cell::new(2));
    let mut learn = on(data(16, 7)).loss(loss).build().expect("nothing is wrong with it");
    let report = learn.fit(1, 0.1).expect("it trains");
    assert_eq!(report.outcome, Outcome::Finished);
    assert!(report.epochs[0].train_loss.is_nan());
}
