//! Every way out of predictions, at every moment of them, with every kind of mixing callback in the learner.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mixup::{callback::Hook, prelude::*, training::Where};

use crate::{
    NO_MIXING, autograd_is_on, mixup,
    path::Path,
    phases, print_no_planned_panic, same_lines,
    script::Script,
    subject::{Mixing, SABOTEUR, Subject},
    support::{
        bits,
        fuse::{Place, Planned},
        panic_text,
    },
    trains_on,
    way::{Deed, Way},
};

#[test]
fn of_predictions_without_mixing() {
    every_way_out(&NO_MIXING);
}

#[test]
fn of_predictions_with_mixup_in_the_learner() {
    every_way_out(&mixup());
}

fn every_way_out(mixing: &Mixing) {
    print_no_planned_panic();
    for &sabotage in mixing.sabotages() {
        for way in Way::all(&Script::of_predictions()) {
            let case = format!("{}, sabotage {sabotage:?}: {way}", mixing.name);
            take(&way, Subject::new(mixing, sabotage, None), mixing, &case);
        }
    }
}

fn take(way: &Way, mut subject: Subject, mixing: &Mixing, case: &str) {
    let script = &Script::of_predictions();
    let path = Path::of(way, script);
    let before = bits(&subject.learn);
    let trouble = way.deed.trouble(subject.learn.interrupt_handle());
    subject.fuse.set(way.moment.place, trouble, script.passed_before(way.number));

    let ended = catch_unwind(AssertUnwindSafe(|| subject.learn.predictions()));
    assert!(!subject.fuse.is_set(), "{case}: it was not reached");
    same_lines(&subject.fuse.passed.take(), &path.lines(mixing), case);
    phases::always_end(&path, way);
    match (&way.deed, ended) {
        (Deed::Error, Ok(Err(error))) => assert!(says_where(&error, way), "{case}: {error:?}"),
        (Deed::Panic, Err(payload)) => {
            assert_eq!(panic_text(&*payload), Planned(way.moment.place).to_string(), "{case}");
        }
        (Deed::Interrupt, Ok(Err(Error::Interrupted { at }))) => {
            let end = script.moments().last().expect("there are moments").at;
            let expected = if way.heard(script).is_some() { way.interrupted_at(script) } else { end };
            assert_eq!(at, expected, "{case}");
        }
        // What always runs at the end does so when the interrupt is no longer looked for.
        (Deed::Interrupt, Ok(Ok(_))) => {
            assert_eq!(way.moment.place, Place::Hook(Hook::PredictEndAlways), "{case}: the interrupt was not heard");
        }
        (Deed::Request(_), Ok(Ok(found))) => assert_eq!(found.outputs.size(), [8, 2], "{case}"),
        (_, ended) => panic!("{case}: it ended with {:?}", ended.map_err(|payload| panic_text(&*payload))),
    }
    assert!(subject.learn.loss_func().is_same(&subject.original), "{case}: the loss function is not the original");
    assert!(autograd_is_on(), "{case}: autograd is off");
    assert!(subject.data_is_unchanged(mixing), "{case}: the data was changed");
    assert_eq!(bits(&subject.learn), before, "{case}: something was trained");
    trains_on(&mut subject, None, mixing, case);
}

/// Checks that the error names the place and the batch, and for a hook the callback.
fn says_where(error: &Error, way: &Way) -> bool {
    let expected = way.moment.at;
    match (way.moment.place, error) {
        (Place::Hook(hook), Error::Callback { at, source }) => {
            **at == Where { callback: SABOTEUR.to_owned(), hook, at: expected } && source.is::<Planned>()
        }
        (Place::Model, Error::Model { at, .. })
        | (Place::Loss, Error::Loss { at, .. })
        | (Place::Data, Error::Data { at, .. }) => *at == expected,
        _ => false,
    }
}
