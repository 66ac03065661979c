//! Ways out that begin outside of the hooks: a checkpoint that can't be written, items that threads can't load, and a loss that is not a number.

use std::{
    cell::Cell,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mixup::{callback::Hook, prelude::*};
use tch::Tensor;

use crate::{
    print_no_planned_panic,
    support::{
        bits, data,
        fuse::{Fuse, Saboteur},
        gradients, numbers, on,
    },
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

/// Items that are computed, so that threads may load them, and one that can't be.
#[derive(Clone)]
struct Computed {
    items: usize,
    /// The item that can't be loaded, and whether loading it panics.
    bad: Arc<AtomicUsize>,
    panics: bool,
}

const NONE: usize = usize::MAX;

impl Dataset for Computed {
    fn len(&self) -> usize {
        self.items
    }

    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
        let bad = self.bad.load(Ordering::Relaxed);
        if indices.contains(&bad) {
            assert!(!self.panics, "as planned, in item {bad}");
            return Err(DataError::other(format!("item {bad} is bad")));
        }
        let number = |&index: &usize| {
            let noise: f32 = rngs.of(index).random();
            [(index as f32).sin(), (index as f32 * 0.7).cos(), noise]
        };
        let numbers: Vec<f32> = indices.iter().flat_map(number).collect();
        let classes: Vec<i64> = indices.iter().map(|index| (index % 2) as i64).collect();
        let input = Tensor::f_from_slice(&numbers)?.f_reshape([indices.len() as i64, 3])?;
        Ok(Batch { input: input.into(), target: Tensor::f_from_slice(&classes)?.into() })
    }

    fn for_threads(&self) -> Option<Arc<dyn Dataset + Sync>> {
        Some(Arc::new(self.clone()))
    }
}

#[test]
fn an_item_that_cannot_be_loaded_ends_a_training_whether_threads_load_ahead_or_not() {
    print_no_planned_panic();
    let learner = |workers: usize, bad: usize, panics: bool, folder: &std::path::Path, fuse: &Fuse| {
        let items = |items| Computed { items, bad: Arc::new(AtomicUsize::new(bad)), panics };
        let train = items(16);
        let mend = Arc::clone(&train.bad);
        let data = Data::builder(train).valid(Computed { bad: Arc::new(AtomicUsize::new(NONE)), ..items(8) });
        let data = data.batch_size(4).shuffle(true).workers(workers).build().expect("there are items");
        let kept = Checkpoints::in_dir(folder).every_batches(1);
        let builder = on(data).metric(accuracy).callback(Saboteur(fuse.clone())).checkpoints(kept);
        (builder.build().expect("nothing is wrong with it"), mend)
    };
    let nowhere = tempfile::tempdir().expect("a folder");
    let (mut whole, _) = learner(0, NONE, false, nowhere.path(), &Fuse::default());
    whole.fit(2, 0.1).expect("it trains");
    for workers in [0, 2] {
        for (bad, panics) in [(0, false), (7, false), (15, false), (3, true), (12, true)] {
            let (fuse, folder) = (Fuse::default(), tempfile::tempdir().expect("a folder"));
            let (mut learn, mend) = learner(workers, bad, panics, folder.path(), &fuse);
            let case = format!("{workers} workers, item {bad}, panics: {panics}");
            let ended = catch_unwind(AssertUnwindSafe(|| learn.fit(2, 0.1)));
            hooks(&fuse);
            match ended {
                Ok(Err(Error::Data { source, .. })) => {
                    assert!(source.to_string().contains(&format!("item {bad}")), "{case}: {source}");
                }
                Err(_) => assert!(panics && workers == 0, "{case}: only a panic of this thread goes on"),
                Ok(ended) => panic!("{case}: it ended with {:?}", ended.map(|report| report.outcome)),
            }
            assert!(gradients(&learn).is_empty(), "{case}");
            // It trains on once the item is there, and another process goes on with the same bits.
            mend.store(NONE, Ordering::Relaxed);
            assert_eq!(learn.fit(1, 0.1).expect("it trains on").outcome, Outcome::Finished, "{case}");
            drop(learn);
            let folder = tempfile::tempdir().expect("a folder");
            let (mut first, _) = learner(workers, bad, panics, folder.path(), &fuse);
            let _ = catch_unwind(AssertUnwindSafe(|| first.fit(2, 0.1)));
            drop(first);
            let (mut again, _) = learner(2 - workers, NONE, false, folder.path(), &fuse);
            let went_on = again.resume();
            if let Err(Error::NoCheckpoint { .. }) = went_on {
                again.fit(2, 0.1).expect("it trains");
            } else {
                went_on.expect("there is a checkpoint");
            }
            assert_eq!(bits(&again), bits(&whole), "{case}");
        }
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
