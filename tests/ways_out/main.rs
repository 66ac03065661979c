//! What begins, ends: every way out of a training, at every moment of it, with every mixing callback.
//!
//! - `script`: the moments that a training goes through when nothing happens.
//! - `way`: what may happen at each of them (an error, a panic, an interrupt, each request that the hook may return), and what the
//!   training then leaves out.
//! - `path`: the rest of the script, which callbacks run at each moment, and what they see there.
//! - `subject`: the learner, with a saboteur and witnesses among its callbacks.
//! - `phases`: what holds for every callback on every path.
//! - `predictions`: the same for predictions, which are a phase of their own.
//! - `resumed`: each way out of a training with checkpoints, and out of the one that goes on.
//! - `parts`: checkpoints that can't be written, and losses that are not numbers.
//!
//! Each test below takes all ways with one mixing callback. To extend the table, add a line to the script for a part of the loop or
//! a hook. A request needs a line in `Deed::request` and in `Way::leaves_out`; it is then tried in every hook that may return it. A
//! hook that runs on every way out is `Script::owed`.

mod parts;
mod path;
mod phases;
mod predictions;
mod resumed;
mod script;
mod subject;
#[path = "../support/mod.rs"]
mod support;
mod way;

use std::{
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
    thread,
};

use mixup::{callback::Hook, prelude::*, training::Where};

use crate::{
    path::Path,
    script::{EPOCHS, Script},
    subject::{Mixing, SABOTEUR, Sabotage, Subject, autograd_is_on},
    support::{
        bits,
        fuse::{Flow, Place, Planned},
        gradients, numbers, panic_text,
    },
    way::{Deed, END, Way},
};

#[test]
fn without_mixing() {
    every_way_out(&NO_MIXING, None);
}

#[test]
fn without_mixing_with_a_validation_between_two_batches() {
    every_way_out(&NO_MIXING, Some(1));
}

#[test]
fn with_mixup() {
    every_way_out(&mixup(), None);
}

#[test]
fn with_mixup_and_a_validation_between_two_batches() {
    every_way_out(&mixup(), Some(0));
}

#[test]
fn with_mixup_whose_inputs_are_stacked() {
    let add: fn(&mut Learner) = |learn| {
        learn.callback(MixUp::default().stack_x(true));
    };
    every_way_out(&Mixing { name: "MixUp with stack_x", add: Some(add), wraps: true, one_hot: false }, None);
}

#[test]
fn with_mixup_whose_targets_are_mixed() {
    let add: fn(&mut Learner) = |learn| {
        learn.callback(MixUp::default().stack_y(false));
    };
    every_way_out(&Mixing { name: "MixUp without stack_y", add: Some(add), wraps: false, one_hot: true }, None);
}

#[test]
fn with_cutmix() {
    let add: fn(&mut Learner) = |learn| {
        learn.callback(CutMix::default());
    };
    every_way_out(&Mixing { name: "CutMix", add: Some(add), wraps: true, one_hot: false }, None);
}

#[test]
fn with_mixup_or_cutmix() {
    let add: fn(&mut Learner) = |learn| {
        learn.callback(MixUpOrCutMix::default());
    };
    every_way_out(&Mixing { name: "MixUpOrCutMix", add: Some(add), wraps: true, one_hot: true }, None);
}

const NO_MIXING: Mixing = Mixing { name: "no mixing", add: None, wraps: false, one_hot: false };

fn mixup() -> Mixing {
    let add: fn(&mut Learner) = |learn| {
        learn.callback(MixUp::default());
    };
    Mixing { name: "MixUp", add: Some(add), wraps: true, one_hot: false }
}

/// Takes every way out of a training, and checks what is left. `validates_after`: the batch after which each epoch also validates.
fn every_way_out(mixing: &Mixing, validates_after: Option<usize>) {
    print_no_planned_panic();
    let ways = Way::all(&Script::of(EPOCHS, |at| at.batch == validates_after));
    let mut tried = 0;
    for &sabotage in mixing.sabotages() {
        for way in &ways {
            let case = format!("{}, sabotage {sabotage:?}: {way}", mixing.name);
            take(way, validates_after, mixing, sabotage, &case);
            tried += 1;
        }
    }
    println!("{}: {tried} ways out", mixing.name);
}

fn take(way: &Way, validates_after: Option<usize>, mixing: &Mixing, sabotage: Sabotage, case: &str) {
    let script = &Script::of(EPOCHS, |at| at.batch == validates_after || way.validates(at));
    let path = Path::of(way, script);
    let mut subject = Subject::new(mixing, sabotage, validates_after);
    let trouble = way.deed.trouble(subject.learn.interrupt_handle());
    subject.fuse.set(way.moment.place, trouble, script.passed_before(way.number));

    let ended = catch_unwind(AssertUnwindSafe(|| subject.learn.fit(EPOCHS, 0.1)));
    assert!(!subject.fuse.is_set(), "{case}: it was not reached");
    same_lines(&subject.fuse.passed.take(), &path.lines(mixing), case);
    phases::are_nested(&path, way);
    ends_as_it_should(ended, way, script, &subject.learn.report(), case);
    reports_what_is_finished(&subject.learn.report(), &path, case);

    assert!(subject.learn.loss_func().is_same(&subject.original), "{case}: the loss function is not the original");
    assert!(autograd_is_on(), "{case}: autograd is off");
    assert!(gradients(&subject.learn).is_empty(), "{case}: a gradient is left");
    assert!(subject.data_is_unchanged(mixing), "{case}: the data was changed");
    trains_on(&mut subject, validates_after, mixing, case);
}

/// Checks that the result of the run and the report say what happened and where.
fn ends_as_it_should(
    ended: thread::Result<Result<Report, Error>>,
    way: &Way,
    script: &Script,
    report: &Report,
    case: &str,
) {
    let place = way.moment.place;
    let outcome = match (&way.deed, ended) {
        (Deed::Error, Ok(Err(error))) => {
            assert!(says_where(&error, way), "{case}: {error:?}");
            Outcome::Failed { error: error.to_string() }
        }
        (Deed::Panic, Err(payload)) => {
            let message = panic_text(&*payload);
            assert_eq!(message, Planned(place).to_string(), "{case}");
            Outcome::Panicked { message }
        }
        (Deed::Interrupt, Ok(Err(Error::Interrupted { at }))) => {
            assert_eq!(at, way.interrupted_at(script), "{case}");
            Outcome::Interrupted
        }
        (Deed::Request(Flow::StopTraining(stop)), Ok(Ok(returned))) => {
            assert_eq!(returned, *report, "{case}");
            let Place::Hook(hook) = place else { unreachable!("a part makes no requests") };
            Outcome::Stopped { by: SABOTEUR.to_owned(), hook, why: stop.why().to_owned() }
        }
        (Deed::Request(_) | Deed::Interrupt, Ok(Ok(returned))) => {
            assert!(way.is_too_late() || way.deed != Deed::Interrupt, "{case}: the interrupt was not heard");
            assert_eq!(returned.outcome, report.outcome, "{case}");
            Outcome::Finished
        }
        (_, ended) => panic!("{case}: it ended with {:?}", ended.map_err(|payload| panic_text(&*payload))),
    };
    let outcome = if way.is_too_late() { Outcome::Finished } else { outcome };
    assert_eq!(report.outcome, outcome, "{case}");
}

/// Checks that the error names the place, the epoch and the batch, and for a hook the callback.
fn says_where(error: &Error, way: &Way) -> bool {
    let expected = if way.is_too_late() { END } else { way.moment.at };
    match (way.moment.place, error) {
        (Place::Hook(hook), Error::Callback { at, source }) => {
            **at == Where { callback: SABOTEUR.to_owned(), hook, at: expected } && source.is::<Planned>()
        }
        (Place::Metric, Error::Metric { metric, at, .. }) => metric == "accuracy" && *at == expected,
        (Place::Optimizer, Error::Torch { what, at, .. }) => *what == "the optimizer's step" && *at == expected,
        (Place::Model, Error::Model { at, .. })
        | (Place::Loss, Error::Loss { at, .. })
        | (Place::Data, Error::Data { at, .. }) => *at == expected,
        _ => false,
    }
}

/// Checks that the report has a row for each completed epoch and for no other, with a validation loss if a validation batch was
/// measured.
fn reports_what_is_finished(report: &Report, path: &Path, case: &str) {
    let finished = (0..EPOCHS).filter(|&epoch| path.passes(Place::Hook(Hook::EpochEnd), epoch));
    let expected: Vec<_> = finished.map(|epoch| (epoch, path.passes(Place::Metric, epoch))).collect();
    let rows: Vec<_> = report.epochs.iter().map(|row| (row.epoch, row.valid_loss.is_some())).collect();
    assert_eq!(rows, expected, "{case}");
    let measured =
        report.epochs.iter().all(|row| row.metrics.len() == 1 && row.metrics[0].is_nan() == row.valid_loss.is_none());
    assert!(measured, "{case}: {report}");
}

/// Checks that the learner runs another training as if nothing had happened.
fn trains_on(subject: &mut Subject, validates_after: Option<usize>, mixing: &Mixing, case: &str) {
    let before = bits(&subject.learn);
    let report = subject.learn.fit(1, 0.1).unwrap_or_else(|error| panic!("{case}: it does not train on: {error}"));
    let script = Script::of(1, |at| at.batch == validates_after);
    let path = Path::of(&Way::through(&script), &script);
    same_lines(&subject.fuse.passed.take(), &path.lines(mixing), &format!("{case}, the training after it"));
    assert_eq!((report.outcome, report.epochs.len()), (Outcome::Finished, 1), "{case}");
    let row = &report.epochs[0];
    assert!(row.train_loss.is_finite() && row.valid_loss.is_some_and(f64::is_finite), "{case}: {row:?}");
    assert!(numbers(&subject.learn).iter().all(|number| number.is_finite()), "{case}: a parameter is not a number");
    assert_ne!(bits(&subject.learn), before, "{case}: nothing is learned");
}

/// Compares line by line, and shows the first line that differs, with those before it.
fn same_lines(found: &[String], expected: &[String], case: &str) {
    let length = found.len().max(expected.len());
    if let Some(line) = (0..length).find(|&line| found.get(line) != expected.get(line)) {
        let before = &expected[line.saturating_sub(5)..line.min(expected.len())];
        panic!("{case}:\nafter {before:#?}\nfound {:?}\ninstead of {:?}", found.get(line), expected.get(line));
    }
}

/// Keeps planned panics out of the test's output.
fn print_no_planned_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let text = panic.payload().downcast_ref::<String>();
            if !text.is_some_and(|text| text.starts_with("as planned")) {
                print(panic);
            }
        }));
    });
}
