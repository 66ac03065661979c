//! Errors and panics in `on_train_end`: it still runs for all other callbacks, and all errors are reported.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use mixup::{callback::Hook, prelude::*};
use support::{
    Log, bits,
    fuse::{Fuse, Place, Saboteur, Trouble},
    panic_text,
};

/// Ends with an error, with a panic, or normally.
struct End<const NUMBER: usize>(Log, fn() -> Result<(), std::io::Error>);

#[callback]
impl<const NUMBER: usize> End<NUMBER> {
    fn on_train_end(&mut self, loss_func: &mut LossFunc) -> std::io::Result<()> {
        self.0.add(format!("end {NUMBER}"));
        *loss_func = LossFunc::new(Mse);
        (self.1)()
    }
}

fn fails() -> std::io::Result<()> {
    Err(std::io::Error::other("the disk is full"))
}

fn panics() -> std::io::Result<()> {
    panic!("{}", "the end of the end")
}

fn small() -> Learner {
    support::on(support::data(8, 0)).build().expect("nothing is wrong with it")
}

#[test]
fn all_failing_ends_are_reported_and_none_prevents_the_others() {
    let (log, mut learn) = (Log::default(), small());
    let original = learn.loss_func().clone();
    learn.callback(End::<0>(log.clone(), fails)).callback(End::<1>(log.clone(), || Ok(())));
    learn.callback(End::<2>(log.clone(), fails)).mixup();
    let error = learn.fit(1, 0.1).expect_err("two ends fail");
    assert_eq!(log.take(), ["end 2", "end 1", "end 0"]);
    assert!(matches!(&error, Error::Several { rest, .. } if rest.len() == 1), "{error:?}");
    let end = |name| format!("callback `{name}`, hook `on_train_end`, epoch 0: the disk is full");
    assert_eq!(error.to_string(), format!("{}; then {}", end("End#3"), end("End")));
    assert!(learn.loss_func().is_same(&original));
    assert_eq!(learn.report().outcome, Outcome::Finished);
}

#[test]
fn the_error_that_ended_the_training_is_reported_before_the_failing_ends() {
    let (fuse, mut learn) = (Fuse::default(), small());
    fuse.set(Place::Hook(Hook::BatchEnd), Trouble::Error, 1);
    learn.callback(Saboteur(fuse)).callback(End::<0>(Log::default(), fails));
    let error = learn.fit(1, 0.1).expect_err("it fails");
    assert_eq!(
        error.to_string(),
        "callback `Saboteur`, hook `on_batch_end`, epoch 0, training batch 1: as planned, in Hook(BatchEnd); then \
         callback `End`, hook `on_train_end`, epoch 0, training batch 1: the disk is full"
    );
}

#[test]
fn a_panic_at_the_end_continues_after_all_ends_have_run() {
    let (log, mut learn) = (Log::default(), small());
    let original = learn.loss_func().clone();
    learn.callback(End::<0>(log.clone(), || Ok(()))).callback(End::<1>(log.clone(), fails));
    learn.callback(End::<2>(log.clone(), panics));
    let payload = catch_unwind(AssertUnwindSafe(|| learn.fit(1, 0.1))).expect_err("an end panics");
    assert_eq!(panic_text(&*payload), "the end of the end");
    assert_eq!(log.take(), ["end 2", "end 1", "end 0"]);
    assert!(learn.loss_func().is_same(&original));
}

#[test]
fn the_first_of_two_panics_continues() {
    let (fuse, mut learn) = (Fuse::default(), small());
    fuse.set(Place::Hook(Hook::StepEnd), Trouble::Panic, 0);
    learn.callback(Saboteur(fuse)).callback(End::<0>(Log::default(), panics));
    let payload = catch_unwind(AssertUnwindSafe(|| learn.fit(1, 0.1))).expect_err("it panics");
    assert_eq!(panic_text(&*payload), "as planned, in Hook(StepEnd)");
}

#[test]
fn the_ends_get_the_outcome_of_the_training() {
    struct Told(Log);

    #[callback]
    impl Told {
        fn on_train_end(&mut self, outcome: &Outcome) {
            self.0.add(outcome.to_string());
        }
    }

    let (fuse, log) = (Fuse::default(), Log::default());
    let mut learn = small();
    learn.callback(Saboteur(fuse.clone())).callback(Told(log.clone()));
    let interrupt = learn.interrupt_handle();
    let ways = [
        None,
        Some((Hook::EpochEnd, Trouble::stop())),
        Some((Hook::LossBegin, Trouble::Error)),
        Some((Hook::LossBegin, Trouble::Panic)),
        Some((Hook::LossBegin, Trouble::Interrupt(interrupt))),
    ];
    for way in ways {
        if let Some((hook, trouble)) = way {
            fuse.set(Place::Hook(hook), trouble, 0);
        }
        let _ = catch_unwind(AssertUnwindSafe(|| learn.fit(1, 0.1)));
    }
    assert_eq!(
        log.take(),
        [
            "finished",
            "stopped by `Saboteur` in `on_epoch_end`: as planned",
            "failed: callback `Saboteur`, hook `on_loss_begin`, epoch 0, training batch 0: as planned, in Hook(LossBegin)",
            "panicked: as planned, in Hook(LossBegin)",
            "interrupted",
        ]
    );
}

#[test]
fn a_panic_inside_of_no_grad_does_not_leave_autograd_off() {
    struct Careful(Fuse);

    #[callback]
    impl Careful {
        fn on_batch_begin(&mut self) {
            tch::no_grad(|| self.0.pass(Place::Model).expect("no error was planned"));
        }
    }

    let (fuse, mut learn) = (Fuse::default(), small());
    learn.callback(Careful(fuse.clone()));
    fuse.set(Place::Model, Trouble::Panic, 1);
    catch_unwind(AssertUnwindSafe(|| learn.fit(1, 0.1))).expect_err("it panics");
    let before = bits(&learn);
    learn.fit(1, 0.1).expect("it trains on");
    assert_ne!(bits(&learn), before);
}
