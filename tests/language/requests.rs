//! Requests of hooks to the loop, several of them together, and a validation between two batches.

use std::sync::{Arc, Mutex};

use mixup::{callback::Hook, prelude::*};

use crate::support::{Log, bits, data, on, warnings::Warnings};

/// Logs what happens, in a training of three batches and a validation of one.
struct Tape(Log);

#[callback]
impl Tape {
    fn on_batch_end(&self, train: bool, num_batch: usize, batches: usize, iteration: usize) {
        self.0.add(format!("{} {num_batch} of {batches}, {iteration}", if train { "train" } else { "valid" }));
    }

    fn on_validate_end(&self, valid_loss: Option<f64>, iteration: usize) {
        self.0.add(format!("validated {} after {iteration}", valid_loss.is_some()));
    }

    fn on_epoch_end(&self, valid_loss: Option<f64>, steps: usize) {
        self.0.add(format!("epoch, {} {steps}", valid_loss.is_some()));
    }
}

#[callback(on_batch_end, train, every = 2)]
fn validate() -> Validate {
    Validate
}

#[test]
fn a_validation_runs_between_two_batches_and_the_training_goes_on() {
    let log = Log::default();
    let mut learn = on(data(12, 4)).callback(Tape(log.clone())).callback(validate).build().expect("it is right");
    let report = learn.fit(1, 0.1).expect("it trains");
    let expected = "train 0 of 3, 0; train 1 of 3, 1; valid 0 of 1, 2; validated true after 2; train 2 of 3, 2; \
                    valid 0 of 1, 3; validated true after 3; epoch, true 3";
    assert_eq!(log.take().join("; "), expected);

    // The training is the same as without the validation, and so is the row of the epoch.
    let mut plain = on(data(12, 4)).build().expect("it is right");
    let without = plain.fit(1, 0.1).expect("it trains");
    assert_eq!(bits(&learn), bits(&plain));
    assert_eq!(
        (report.epochs[0].valid_loss, report.epochs[0].train_loss),
        (without.epochs[0].valid_loss, without.epochs[0].train_loss)
    );
}

#[test]
fn the_builder_adds_a_validation_after_every_n_batches() {
    let log = Log::default();
    let mut learn = on(data(12, 4)).validate_every(1).callback(Tape(log.clone())).build().expect("it is right");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(log.take().iter().filter(|line| line.starts_with("validated")).count(), 4);

    let mut learn = on(data(12, 0)).validate_every(1).build().expect("it is right");
    let error = learn.fit(1, 0.1).expect_err("there is nothing to validate on");
    assert!(matches!(error, Error::NoValidation { .. }), "{error}");
}

#[test]
fn skipping_a_validation_between_batches_does_not_affect_the_next_one() {
    struct SkipFirst(usize);

    #[callback]
    impl SkipFirst {
        fn on_validate_begin(&mut self) -> Option<SkipValidation> {
            self.0 += 1;
            (self.0 == 1).then_some(SkipValidation)
        }
    }

    let log = Log::default();
    let builder = on(data(12, 4)).callback(Tape(log.clone())).callback(validate).callback(SkipFirst(0));
    builder.build().expect("it is right").fit(1, 0.1).expect("it trains");
    let lines = log.take();
    assert_eq!(lines[2], "train 2 of 3, 2", "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("epoch, true 3"));
}

#[test]
fn requests_of_several_callbacks_and_of_one_are_all_obeyed() {
    struct Both;

    #[callback]
    impl Both {
        fn on_step_end(iteration: usize) -> (KeepGradients, Option<StopTraining>) {
            (KeepGradients, (iteration == 1).then(|| StopTraining::because("two are enough")))
        }
    }

    struct Norms(Arc<Mutex<Vec<f64>>>);

    #[callback]
    impl Norms {
        fn on_backward_end(&self, gradients: &Gradients) -> Result<(), GradientError> {
            self.0.lock().expect("nobody panics").push(gradients.norm()?);
            Ok(())
        }
    }

    let norms = Arc::new(Mutex::new(Vec::new()));
    let mut learn = on(data(16, 0)).callback(Norms(norms.clone())).callback(Both).build().expect("it is right");
    let report = learn.fit(1, 0.0).expect("a stop is no error");
    assert_eq!(report.outcome.to_string(), "stopped by `Both` in `on_step_end`: two are enough");
    let norms = norms.lock().expect("nobody panics").clone();
    // The gradients of the first batch were kept, so those of the second were added to them.
    let alone = Arc::new(Mutex::new(Vec::new()));
    let mut learn = on(data(16, 0)).callback(Norms(alone.clone())).build().expect("it is right");
    learn.fit(1, 0.0).expect("it trains");
    let alone = alone.lock().expect("nobody panics").clone();
    assert_eq!((norms.len(), norms[0].to_bits()), (2, alone[0].to_bits()));
    assert!((norms[1] - alone[1]).abs() > 1e-3, "{norms:?} {alone:?}");
}

#[test]
fn requests_that_a_stop_overrides_are_reported() {
    #[callback(on_batch_end, train, if = iteration == 1)]
    fn first() -> StopTraining {
        StopTraining::because("two are enough")
    }

    #[callback(on_batch_end, train, if = iteration == 1)]
    fn second() -> StopTraining {
        StopTraining::because("it is late")
    }

    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || {
        // Of the hooks named `…_end`, the last one that was added runs first.
        let mut learn = on(data(12, 4)).callback(second).callback(first).build().expect("it is right");
        learn.fit(1, 0.1).expect("a stop is no error");
        let expected = "`first` stops the training in `on_batch_end`; `second` asked for it as well: it is late";
        assert_eq!(warnings.take(), [expected]);

        let log = Log::default();
        let mut learn = on(data(12, 4))
            .callback(validate)
            .callback(first)
            .callback(Tape(log.clone()))
            .build()
            .expect("it is right");
        learn.fit(1, 0.1).expect("a stop is no error");
        let expected =
            "`first` stops the training in `on_batch_end`: the validation that was asked for there is left out";
        assert_eq!(warnings.take(), [expected]);
        assert_eq!(log.take(), ["train 0 of 3, 0", "train 1 of 3, 1"]);

        let mut learn = on(data(12, 4)).callback(validate).build().expect("it is right");
        learn.fit(1, 0.1).expect("it trains");
        assert_eq!(warnings.take(), [""; 0], "requests that are obeyed are not reported");
    });
}

#[test]
fn a_stop_may_come_from_every_hook_of_a_training() {
    struct Stops;

    #[callback]
    impl Stops {
        #[on(train_begin, epoch_begin, batch_begin, loss_begin, backward_begin, backward_end, step_end, batch_end)]
        #[on(validate_begin, validate_tally, validate_end, epoch_end)]
        fn stop() -> Option<StopTraining> {
            None
        }
    }

    let can: Vec<_> = Hook::ALL.iter().filter(|hook| hook.flows().contains(&"StopTraining")).collect();
    assert_eq!(can.len(), 12);
    assert_eq!(Stops.handlers().len(), 12);
}

#[test]
fn steps_counts_the_optimizers_steps_and_stepped_says_whether_one_was_taken() {
    struct Every2;

    #[callback]
    impl Every2 {
        fn on_backward_end(iteration: usize) -> Option<SkipStep> {
            iteration.is_multiple_of(2).then_some(SkipStep)
        }

        fn on_step_end(stepped: bool) -> Option<KeepGradients> {
            (!stepped).then_some(KeepGradients)
        }
    }

    let log = Log::default();
    let mut learn = on(data(16, 4)).callback(Every2).callback(Tape(log.clone())).build().expect("it is right");
    learn.fit(2, 0.1).expect("it trains");
    let lines: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("epoch")).collect();
    assert_eq!(lines, ["epoch, true 2", "epoch, true 4"]);
}
