//! A new learner goes on from the files of one that failed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mixup::{
    prelude::*,
    training::{Interrupt, Report},
};

use super::{
    FailAt, files, learner,
    support::{bits, data, dropout::alone, on, warnings::Warnings},
};

/// The weights, the losses of all batches, and the rows of a training.
type Left = (Vec<u32>, Vec<f64>, Vec<(u64, Vec<f64>)>);

fn result(learn: &mut Learner, report: &Report) -> Left {
    let rows = report.epochs.iter().map(|row| (row.train_loss.to_bits(), row.metrics.clone())).collect();
    let losses = learn.get_mut::<Recorder>().expect("it was added").losses().expect("they can be read").to_vec();
    (bits(learn), losses, rows)
}

#[test]
fn a_new_learner_goes_on_with_the_same_bits_after_a_failure_at_any_batch() {
    let _alone = alone();
    let nowhere = tempfile::tempdir().expect("a folder");
    let mut whole = learner(Checkpoints::in_dir(nowhere.path())).build().expect("it fits");
    let report = whole.fit(3, 0.05).expect("it trains");
    let wanted = result(&mut whole, &report);
    for fails in 1..12 {
        let folder = tempfile::tempdir().expect("a folder");
        let often = || Checkpoints::in_dir(folder.path()).every_batches(1);
        let error =
            learner(often()).callback(FailAt(fails)).build().expect("it fits").fit(3, 0.05).expect_err("it fails");
        assert!(error.to_string().contains("the power is out"), "{error}");
        let mut again = learner(often()).callback(FailAt(usize::MAX)).build().expect("it fits");
        let report = again.resume().expect("there is a checkpoint");
        assert_eq!(result(&mut again, &report), wanted, "before batch {fails}");
        assert_eq!(report.outcome, Outcome::Finished);
    }
}

/// Interrupts the training in a batch.
struct InterruptAt(usize);

#[callback(stateless)]
impl InterruptAt {
    fn on_batch_begin(&self, iteration: usize, train: bool, interrupt: &Interrupt) {
        if iteration == self.0 && train {
            interrupt.interrupt();
        }
    }
}

#[test]
fn an_interrupt_writes_a_checkpoint_from_which_the_training_goes_on() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let rarely = || Checkpoints::in_dir(folder.path()).every_epochs(100);
    let nowhere = tempfile::tempdir().expect("a folder");
    let never = || InterruptAt(usize::MAX);
    let mut whole = learner(Checkpoints::in_dir(nowhere.path())).callback(never()).build().expect("it fits");
    let report = whole.fit(3, 0.05).expect("it trains");
    let wanted = result(&mut whole, &report);

    let mut first = learner(rarely()).callback(InterruptAt(6)).build().expect("it fits");
    let error = first.fit(3, 0.05).expect_err("it is interrupted");
    assert!(error.to_string().starts_with("interrupted"), "{error}");
    assert_eq!(files(folder.path()), ["checkpoint-00000001.safetensors"]);

    let mut again = learner(rarely()).callback(never()).build().expect("it fits");
    let report = again.resume().expect("there is a checkpoint");
    assert_eq!(result(&mut again, &report), wanted);
    assert_eq!(files(folder.path()).len(), 2, "one more at the end");
}

/// Interrupts the training at the end of its first epoch.
#[callback(on_epoch_end)]
fn interrupt_at_epoch_end(interrupt: &Interrupt) {
    interrupt.interrupt();
}

#[test]
fn an_interrupt_between_two_epochs_writes_one_checkpoint() {
    let folder = tempfile::tempdir().expect("a folder");
    let rarely = Checkpoints::in_dir(folder.path()).every_epochs(100);
    let mut learn = learner(rarely).callback(interrupt_at_epoch_end).build().expect("it fits");
    learn.fit(3, 0.05).expect_err("it is interrupted");
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn the_checkpoint_from_which_a_training_goes_on_is_not_written_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let often = || Checkpoints::in_dir(folder.path()).every_batches(3).keep_last(99);
    learner(often()).callback(FailAt(7)).build().expect("it fits").fit(3, 0.05).expect_err("it fails");
    assert_eq!(files(folder.path()).len(), 2, "after three and six batches");
    learner(often()).callback(FailAt(6)).build().expect("it fits").resume().expect_err("it fails");
    assert_eq!(files(folder.path()).len(), 2);
}

/// Panics before a training batch, while it lives.
struct PanicAt(Option<usize>);

#[callback]
impl PanicAt {
    #[on(batch_begin, train)]
    fn panic(&self, iteration: usize) {
        assert!(self.0 != Some(iteration), "a bug");
    }
}

#[test]
fn a_panic_frees_the_folder_and_the_next_training_begins_anew() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let often = || Checkpoints::in_dir(folder.path()).every_batches(1);
    let build = |at| learner(often()).callback(PanicAt(Some(at))).build().expect("it fits");
    let mut learn = build(5);
    catch_unwind(AssertUnwindSafe(|| learn.fit(2, 0.05))).expect_err("a bug");
    // A learner that panics while it goes on forgets what it went on from.
    catch_unwind(AssertUnwindSafe(|| learn.resume())).expect_err("the same bug");
    let mut other = build(6);
    catch_unwind(AssertUnwindSafe(|| other.resume())).expect_err("the folder is free, and the bug is there");
    learn.get_mut::<PanicAt>().expect("it was added").0 = None;
    assert_eq!(learn.fit(2, 0.05).expect("the folder is free").epochs.len(), 2, "from the first epoch");
}

#[test]
fn a_finished_training_says_so_and_goes_on_when_it_gets_more_epochs() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Checkpoints::in_dir(folder.path());
    learner(kept()).build().expect("it fits").fit(2, 0.05).expect("it trains");
    let mut again = learner(kept()).build().expect("it fits");
    let warnings = Warnings::default();
    let report = tracing::subscriber::with_default(warnings.clone(), || again.resume()).expect("it is at its end");
    assert_eq!((report.outcome, report.epochs.len()), (Outcome::Finished, 2));
    let said = warnings.take();
    let end = "is from the end of a training of 2 epochs: nothing is left to train; to go on, ask for more with `resume_to(…)`";
    assert!(said.iter().any(|warning| warning.ends_with(end)), "{said:?}");
    assert_eq!(files(folder.path()).len(), 2, "and nothing is written");
    let error = again.resume_to(1).expect_err("two are finished").to_string();
    assert!(error.ends_with("has 2 finished epochs, and 1 were asked for: ask for at least 2"), "{error}");
    let report = again.resume_to(4).expect("two more epochs");
    let wanted = result(&mut again, &report);

    let nowhere = tempfile::tempdir().expect("a folder");
    let mut whole = learner(Checkpoints::in_dir(nowhere.path())).build().expect("it fits");
    let report = whole.fit(4, 0.05).expect("it trains");
    assert_eq!(result(&mut whole, &report), wanted);
}

#[test]
fn a_training_that_a_callback_has_stopped_is_stopped_there_again() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let build = |patience| {
        let often = Checkpoints::in_dir(folder.path()).every_batches(3);
        let builder = on(data(16, 7))
            .callback(Worse)
            .callback(EarlyStopping::on("score").less_is_better(false).patience(patience));
        builder.checkpoints(often).build().expect("it fits")
    };
    let mut first = build(1);
    let wanted = first.fit(5, 0.05).expect("it is stopped");
    assert!(matches!(wanted.outcome, Outcome::Stopped { .. }), "{}", wanted.outcome);
    let mut again = build(1);
    let report = again.resume().expect("there is a checkpoint");
    let losses = |report: &Report| report.epochs.iter().map(|row| row.train_loss.to_bits()).collect::<Vec<_>>();
    assert_eq!((&report.outcome, losses(&report)), (&wanted.outcome, losses(&wanted)));
    assert_eq!(bits(&again), bits(&first));
    // With more patience it goes on.
    assert_eq!(build(9).resume().expect("there is a checkpoint").outcome, Outcome::Finished);
}

/// Publishes a number that gets worse from epoch to epoch.
struct Worse;

#[callback]
impl Worse {
    fn on_epoch_end(&self, epoch: usize, score: &mut Value) {
        score.set(-(epoch as f64));
    }
}

#[test]
fn a_checkpoint_that_is_not_whole_is_skipped_for_the_one_before() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Checkpoints::in_dir(folder.path()).keep_last(3);
    learner(kept()).callback(FailAt(10)).build().expect("it fits").fit(3, 0.05).expect_err("it fails");
    let names = files(folder.path());
    assert_eq!(names.len(), 2, "after two epochs");
    let newest = folder.path().join(&names[1]);
    let bytes = std::fs::read(&newest).expect("it can be read");
    std::fs::write(&newest, &bytes[..bytes.len() - 1]).expect("it can be written");
    let mut again = learner(kept()).callback(FailAt(usize::MAX)).build().expect("it fits");
    assert_eq!(again.resume().expect("the one before is whole").epochs.len(), 3);
    let error = learner(kept())
        .callback(FailAt(usize::MAX))
        .build()
        .expect("it fits")
        .resume_from(&newest)
        .expect_err("not whole");
    assert!(error.to_string().contains("is damaged"), "{error}");
}

#[test]
fn the_second_break_in_one_epoch_is_as_the_first() {
    let _alone = alone();
    let nowhere = tempfile::tempdir().expect("a folder");
    let mut whole = learner(Checkpoints::in_dir(nowhere.path())).build().expect("it fits");
    let report = whole.fit(2, 0.05).expect("it trains");
    let wanted = result(&mut whole, &report);
    let folder = tempfile::tempdir().expect("a folder");
    let often = || Checkpoints::in_dir(folder.path()).every_batches(1);
    learner(often()).callback(FailAt(5)).build().expect("it fits").fit(2, 0.05).expect_err("it fails");
    learner(often()).callback(FailAt(6)).build().expect("it fits").resume().expect_err("it fails");
    let mut again = learner(often()).callback(FailAt(usize::MAX)).build().expect("it fits");
    let report = again.resume().expect("there is a checkpoint");
    assert_eq!(result(&mut again, &report), wanted);
}
