//! Ctrl-C and the handle that does the same from another thread: the run ends, and the learner can be used again.

mod support;

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    mpsc::{self, Receiver, Sender},
};

use mixup::{callback::Hook, prelude::*};
use support::fuse::{Fuse, Place, Saboteur, Trouble};

/// Ctrl-C affects the whole process: while a test of it runs, no other test may train.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn small() -> Learner {
    support::on(support::data(8, 0)).build().expect("nothing is wrong with it")
}

/// Reports once that training is in progress.
struct Begun(Option<Sender<()>>);

#[callback]
impl Begun {
    fn on_batch_end(&mut self) {
        if let Some(begun) = self.0.take() {
            begun.send(()).expect("somebody waits for it");
        }
    }
}

fn tells_when_it_trains(learn: &mut Learner) -> Receiver<()> {
    let (begun, told) = mpsc::channel();
    learn.callback(Begun(Some(begun)));
    told
}

#[test]
fn another_thread_ends_a_training_that_would_run_forever() {
    let _alone = alone();
    let mut learn = small();
    let (handle, begun) = (learn.interrupt_handle(), tells_when_it_trains(&mut learn));
    let other = std::thread::spawn(move || {
        begun.recv().expect("it begins");
        handle.interrupt();
    });
    let error = learn.fit(usize::MAX, 1e-3).expect_err("it is interrupted");
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    other.join().expect("it only waits and interrupts");
    assert_eq!(learn.fit(1, 0.1).expect("it trains on").outcome, Outcome::Finished);
}

#[test]
fn an_interrupt_outside_of_a_run_has_no_effect() {
    let _alone = alone();
    let mut learn = small();
    learn.interrupt_handle().interrupt();
    assert_eq!(learn.fit(1, 0.1).expect("nothing was in progress").outcome, Outcome::Finished);
}

#[test]
fn an_interrupt_in_the_very_last_batch_is_not_lost() {
    let _alone = alone();
    for trouble in ["Ctrl-C", "a handle"] {
        let (fuse, mut learn) = (Fuse::default(), small());
        let interrupt = Trouble::Interrupt(learn.interrupt_handle());
        learn.callback(Saboteur(fuse.clone()));
        let trouble = if trouble == "Ctrl-C" { Trouble::CtrlC } else { interrupt };
        fuse.set(Place::Hook(Hook::BatchEnd), trouble, 1);
        let error = learn.fit(1, 0.1).expect_err("it is interrupted");
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
        assert_eq!(learn.report().epochs.len(), 1, "the epoch itself was trained");
    }
}

/// Counts the batches that begin, in training and in validation.
#[derive(Default)]
struct Batches {
    train: usize,
    valid: usize,
}

#[callback]
impl Batches {
    fn on_batch_begin(&mut self, train: bool) {
        *(if train { &mut self.train } else { &mut self.valid }) += 1;
    }
}

/// A pass that has only one batch must look for an interrupt before it: there is no later batch to notice it.
#[test]
fn an_interrupt_between_passes_of_a_single_batch_ends_the_run_before_the_next_batch() {
    let _alone = alone();
    let places = [
        (Hook::TrainBegin, 0, [0, 0]),
        (Hook::EpochBegin, 0, [0, 0]),
        (Hook::BatchEnd, 0, [1, 0]),
        (Hook::ValidateBegin, 0, [1, 0]),
        (Hook::ValidateEnd, 0, [1, 1]),
        (Hook::EpochEnd, 0, [1, 1]),
        (Hook::EpochBegin, 1, [1, 1]),
    ];
    for (hook, after, expected) in places {
        let (fuse, data) = (Fuse::default(), support::data(4, 4));
        let builder = support::on(data).callback(Batches::default()).callback(Saboteur(fuse.clone()));
        let mut learn = builder.build().expect("nothing is wrong with it");
        fuse.set(Place::Hook(hook), Trouble::Interrupt(learn.interrupt_handle()), after);
        let error = learn.fit(3, 0.1).expect_err("it is interrupted");
        assert!(matches!(error, Error::Interrupted { .. }), "{hook:?}: {error}");
        let Batches { train, valid } = *learn.get().expect("it was added");
        assert_eq!([train, valid], expected, "training and validation batches after an interrupt in {hook:?}");
    }
}

#[test]
fn an_interrupt_before_the_only_batch_of_a_validation_or_of_predictions_ends_it() {
    let _alone = alone();
    let fuse = Fuse::default();
    let builder = support::on(support::data(4, 4)).callback(Batches::default()).callback(Saboteur(fuse.clone()));
    let mut learn = builder.build().expect("nothing is wrong with it");
    for (predict, hook) in [(false, Hook::ValidateBegin), (true, Hook::PredictBegin)] {
        fuse.set(Place::Hook(hook), Trouble::Interrupt(learn.interrupt_handle()), 0);
        let error = if predict { learn.predictions().err() } else { learn.validate().err() };
        assert!(matches!(error, Some(Error::Interrupted { .. })), "{error:?}");
        assert_eq!(learn.get::<Batches>().expect("it was added").valid, 0);
    }
}

#[test]
fn an_interrupt_names_the_place() {
    let _alone = alone();
    let (fuse, mut learn) = (Fuse::default(), small());
    fuse.set(Place::Hook(Hook::LossBegin), Trouble::CtrlC, 2);
    learn.callback(Saboteur(fuse));
    assert_eq!(learn.fit(3, 0.1).expect_err("Ctrl-C").to_string(), "interrupted, epoch 1, training batch 0");
}

#[test]
fn one_ctrl_c_ends_two_learners_at_once() {
    let _alone = alone();
    let (fuse, mut learn, mut other) = (Fuse::default(), small(), small());
    let begun = tells_when_it_trains(&mut other);
    let other = std::thread::spawn(move || other.fit(usize::MAX, 1e-3).map(|report| report.outcome));
    begun.recv().expect("it begins");
    fuse.set(Place::Hook(Hook::BatchEnd), Trouble::CtrlC, 100);
    learn.callback(Saboteur(fuse));
    assert!(matches!(learn.fit(usize::MAX, 1e-3), Err(Error::Interrupted { .. })));
    assert!(matches!(other.join().expect("no panic"), Err(Error::Interrupted { .. })));
}
