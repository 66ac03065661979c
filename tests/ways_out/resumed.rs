//! Every way out of a training that has checkpoints, and out of the one that goes on from there: a third one ends with the bits of a training in
//! which nothing happened.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::Duration,
};

use mixup::prelude::*;

use crate::{
    NO_MIXING, mixup, print_no_planned_panic,
    script::{EPOCHS, Script},
    subject::{Mixing, Sabotage, Subject, autograd_is_on},
    support::{bits, fuse::Trouble, gradients},
    way::{Deed, Way},
};

#[test]
fn of_trainings_that_go_on_without_mixing() {
    every_way_out(&NO_MIXING, None, Sabotage::BeforeMixing);
}

#[test]
fn of_trainings_that_go_on_with_mixup_and_a_validation_between_two_batches() {
    every_way_out(&mixup(), Some(1), Sabotage::AfterMixing);
}

/// What a training leaves.
#[derive(Debug, PartialEq)]
struct Left {
    params: Vec<u32>,
    rows: Vec<(u64, Option<u64>, Vec<u64>)>,
    outcome: Outcome,
}

impl Left {
    fn of(learn: &Learner, report: &Report) -> Self {
        let row = |row: &mixup::training::EpochReport| {
            let metrics = row.metrics.iter().map(|number| number.to_bits()).collect();
            (row.train_loss.to_bits(), row.valid_loss.map(f64::to_bits), metrics)
        };
        Self { params: bits(learn), rows: report.epochs.iter().map(row).collect(), outcome: report.outcome.clone() }
    }
}

fn every_way_out(mixing: &Mixing, validates_after: Option<usize>, sabotage: Sabotage) {
    print_no_planned_panic();
    let script = Script::of(EPOCHS, |at| at.batch == validates_after);
    let subject = |folder: &Path| {
        let often = Checkpoints::in_dir(folder).every(Duration::ZERO);
        Subject::keeping(mixing, sabotage, validates_after, Some(often))
    };
    let nowhere = tempfile::tempdir().expect("a folder");
    let mut whole = subject(nowhere.path());
    let report = whole.learn.fit(EPOCHS, 0.1).expect("nothing happens");
    let wanted = Left::of(&whole.learn, &report);
    // An error at each moment; a panic and an interrupt at every third, since they end a training in the same way.
    let taken = |way: &Way| match way.deed {
        Deed::Error => true,
        Deed::Panic => way.number.is_multiple_of(3),
        Deed::Interrupt => way.number % 3 == 1,
        Deed::Request(_) => false,
    };
    let mut tried = 0;
    for way in Way::all(&script).into_iter().filter(taken) {
        let case = format!("{}: {way}", mixing.name);
        let folder = tempfile::tempdir().expect("a folder");
        let mut first = subject(folder.path());
        let trouble = way.deed.trouble(first.learn.interrupt_handle());
        first.fuse.set(way.moment.place, trouble, script.passed_before(way.number));
        ends(&mut first, |learn| learn.fit(EPOCHS, 0.1), &case);
        assert!(!first.fuse.is_set(), "{case}: it was not reached");
        drop(first);
        // The second one fails at the first moment of the same kind that it reaches, if there is one.
        let mut second = subject(folder.path());
        second.fuse.set(way.moment.place, Trouble::Error, 0);
        ends(&mut second, go_on, &format!("{case}, and once more"));
        drop(second);
        let mut third = subject(folder.path());
        let report = go_on(&mut third.learn).unwrap_or_else(|error| panic!("{case}: it does not go on: {error}"));
        assert_eq!(Left::of(&third.learn, &report), wanted, "{case}");
        tried += 1;
    }
    println!("{}: {tried} ways out", mixing.name);
}

/// Goes on, or begins if nothing was saved yet.
fn go_on(learn: &mut Learner) -> Result<Report, Error> {
    match learn.resume() {
        Err(Error::NoCheckpoint { skipped, .. }) if skipped.is_empty() => learn.fit(EPOCHS, 0.1),
        resumed => resumed,
    }
}

/// Runs a training in which something happens, and checks that nothing is left of it.
fn ends(subject: &mut Subject, train: impl FnOnce(&mut Learner) -> Result<Report, Error>, case: &str) {
    let _: thread::Result<_> = catch_unwind(AssertUnwindSafe(|| train(&mut subject.learn)));
    assert!(subject.learn.loss_func().is_same(&subject.original), "{case}: the loss function is not the original");
    assert!(autograd_is_on(), "{case}: autograd is off");
    assert!(gradients(&subject.learn).is_empty(), "{case}: a gradient is left");
}
