//! The requests of hooks: each has its effect, and the strongest one wins.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use mixup::{callback::Hook, prelude::*};
use support::{Log, bits, data, items, numbers, on};

/// Builds the learner of these tests with one callback.
fn with(callback: impl mixup::callback::Callback) -> Learner {
    on(data(12, 4)).callback(callback).build().expect("nothing is wrong with it")
}

/// Trains for one epoch of three batches, and returns the parameters after each completed batch and at the end.
fn trained(mut learn: Learner) -> (Vec<Vec<f32>>, Report, Vec<u32>) {
    struct Steps(Vec<Vec<f32>>);

    #[callback]
    impl Steps {
        fn on_batch_end(&mut self, params: &Params, train: bool) {
            if train {
                let flat = params.iter().map(|(_, tensor)| Vec::<f32>::try_from(tensor.detach().flatten(0, -1)));
                self.0.push(flat.collect::<Result<Vec<_>, _>>().expect("floats").concat());
            }
        }
    }

    learn.callback(Steps(Vec::new()));
    let report = learn.fit(1, 0.5).expect("it trains");
    let bits = bits(&learn);
    (learn.remove::<Steps>().expect("it is there").0, report, bits)
}

/// The parameters after training only on these items, in batches of four.
fn trained_on(batches: &[usize]) -> Vec<u32> {
    let all = items(12);
    let of = |k: usize| {
        mixup::data::Dataset::batch(&all, &(4 * k..4 * k + 4).collect::<Vec<_>>(), &mixup::rng::ItemRngs::new(0, 0))
            .expect("they exist")
    };
    let data = Data::from_batches(batches.iter().map(|&k| of(k)).collect(), Vec::new()).expect("there are batches");
    let mut learn = on(data).build().expect("nothing is wrong with it");
    learn.fit(1, 0.5).expect("it trains");
    bits(&learn)
}

#[test]
fn skip_batch_leaves_one_batch_out() {
    struct Skip;

    #[callback]
    impl Skip {
        fn on_batch_begin(&mut self, num_batch: usize, train: bool) -> Option<SkipBatch> {
            (train && num_batch == 1).then_some(SkipBatch)
        }
    }

    let (steps, report, bits) = trained(with(Skip));
    assert_eq!(steps.len(), 2, "on_batch_end is not called for it");
    assert_eq!(bits, trained_on(&[0, 2]));
    assert!(report.epochs[0].valid_loss.is_some());
}

#[test]
fn a_skipped_validation_batch_does_not_count_and_without_any_there_is_no_loss() {
    struct Skip(usize);

    #[callback]
    impl Skip {
        fn on_batch_begin(&mut self, num_batch: usize, train: bool) -> Option<SkipBatch> {
            (!train && num_batch >= self.0).then_some(SkipBatch)
        }
    }

    let validate = |first: usize, valid: i64| {
        let mut learn = on(data(4, valid)).metric(accuracy).build().expect("nothing is wrong with it");
        learn.callback(Skip(first));
        let report = learn.fit(1, 0.5).expect("it trains");
        let row = report.epochs[0].clone();
        (row.valid_loss, row.metrics[0])
    };
    assert_eq!(validate(1, 8), validate(9, 4), "the first four items are left");
    let (loss, accuracy) = validate(0, 8);
    assert!(loss.is_none() && accuracy.is_nan());
}

/// Returns `SkipEpoch` from a given hook.
struct SkipFrom(Hook, bool);

#[callback]
impl SkipFrom {
    fn on_epoch_begin(&mut self) -> Option<SkipEpoch> {
        (self.0 == Hook::EpochBegin).then_some(SkipEpoch)
    }

    fn on_batch_begin(&mut self, num_batch: usize, train: bool) -> Option<SkipEpoch> {
        (self.0 == Hook::BatchBegin && train == self.1 && num_batch == 1).then_some(SkipEpoch)
    }

    fn on_batch_end(&mut self, num_batch: usize, train: bool) -> Option<SkipEpoch> {
        (self.0 == Hook::BatchEnd && train == self.1 && num_batch == 1).then_some(SkipEpoch)
    }
}

#[test]
fn skip_epoch_at_its_begin_leaves_out_everything_except_its_row() {
    let (steps, report, bits) = trained(with(SkipFrom(Hook::EpochBegin, true)));
    assert!(steps.is_empty());
    assert_eq!(bits, self::bits(&with(SkipFrom(Hook::EpochBegin, true))), "nothing was learnt");
    assert_eq!((report.epochs.len(), report.epochs[0].valid_loss), (1, None));
    assert!(report.epochs[0].train_loss.is_nan());
    assert_eq!(report.outcome, Outcome::Finished);
}

#[test]
fn skip_epoch_in_a_training_batch_leaves_out_the_remaining_batches_and_still_validates() {
    let (steps, report, bits) = trained(with(SkipFrom(Hook::BatchBegin, true)));
    assert_eq!((steps.len(), bits), (1, trained_on(&[0])));
    assert!(report.epochs[0].valid_loss.is_some());
    let (steps, report, bits) = trained(with(SkipFrom(Hook::BatchEnd, true)));
    assert_eq!((steps.len(), bits), (2, trained_on(&[0, 1])));
    assert!(report.epochs[0].valid_loss.is_some());
}

#[test]
fn skip_epoch_in_validation_leaves_out_the_rest_of_the_validation() {
    let validate = |hook, valid| {
        let mut learn = on(data(4, valid)).callback(SkipFrom(hook, false)).build().expect("nothing is wrong with it");
        learn.validate().expect("there is validation data").loss
    };
    let untouched = |valid| validate(Hook::TrainEnd, valid);
    assert!(validate(Hook::BatchBegin, 12).to_bits() == untouched(4).to_bits());
    assert!(validate(Hook::BatchEnd, 12).to_bits() == untouched(8).to_bits());
}

#[test]
fn skip_backward_leaves_the_parameters_unchanged_but_finishes_the_batch() {
    struct Skip(Log);

    #[callback]
    impl Skip {
        fn on_backward_begin(&mut self, num_batch: usize) -> Option<SkipBackward> {
            (num_batch == 1).then_some(SkipBackward)
        }

        fn on_backward_end(&mut self, num_batch: usize) {
            self.0.add(format!("backward_end {num_batch}"));
        }

        fn on_step_end(&mut self, num_batch: usize) {
            self.0.add(format!("step_end {num_batch}"));
        }
    }

    let log = Log::default();
    let (steps, _, bits) = trained(with(Skip(log.clone())));
    assert_eq!(steps.len(), 3);
    assert_eq!(steps[0], steps[1]);
    assert_eq!(bits, trained_on(&[0, 2]));
    assert_eq!(log.take(), ["backward_end 0", "step_end 0", "backward_end 2", "step_end 2"]);
}

#[test]
fn skip_step_leaves_the_parameters_unchanged_and_drops_the_gradients() {
    struct Skip;

    #[callback]
    impl Skip {
        fn on_backward_end(&mut self, num_batch: usize) -> Option<SkipStep> {
            (num_batch == 1).then_some(SkipStep)
        }
    }

    let (steps, _, bits) = trained(with(Skip));
    assert_eq!(steps[0], steps[1]);
    assert_eq!(bits, trained_on(&[0, 2]));
}

/// Gradient accumulation as in fastai v1: a step every `every` batches, with the mean of their gradients.
struct Accumulate {
    every: u32,
    kept: u32,
}

#[callback]
impl Accumulate {
    fn on_backward_end(&mut self, gradients: &Gradients) -> Result<Option<SkipStep>, tch::TchError> {
        self.kept = (self.kept + 1) % self.every;
        if self.kept == 0 {
            gradients.scale(1.0 / f64::from(self.every))?;
        }
        Ok((self.kept > 0).then_some(SkipStep))
    }

    fn on_step_end(&mut self) -> Option<KeepGradients> {
        (self.kept > 0).then_some(KeepGradients)
    }
}

#[test]
fn gradients_kept_over_two_batches_give_the_step_of_one_batch_of_twice_the_size() {
    let train = |batch_size, every| {
        let data = Data::builder(items(32)).batch_size(batch_size).shuffle(false).build().expect("there are items");
        let mut learn = on(data).callback(Accumulate { every, kept: 0 }).build().expect("nothing is wrong with it");
        learn.fit(3, 0.5).expect("it trains");
        numbers(&learn)
    };
    let (halves, wholes) = (train(4, 2), train(8, 1));
    for (half, whole) in halves.iter().zip(&wholes) {
        assert!((half - whole).abs() < 1e-6, "{halves:?} and {wholes:?}");
    }
    assert!(train(4, 1).iter().zip(&wholes).any(|(other, whole)| (other - whole).abs() > 1e-3), "a test that can fail");
}

#[test]
fn gradients_kept_to_the_end_of_a_training_are_not_in_the_next_one() {
    struct Keep;

    #[callback]
    impl Keep {
        fn on_backward_end(&mut self) -> SkipStep {
            SkipStep
        }

        fn on_step_end(&mut self) -> KeepGradients {
            KeepGradients
        }
    }

    let mut learn = with(Keep);
    learn.fit(1, 0.5).expect("it trains");
    learn.remove::<Keep>();
    let (_, _, after) = trained(learn);
    assert_eq!(after, trained_on(&[0, 1, 2]));
}

#[test]
fn skip_validation_leaves_the_epoch_without_a_validation_loss() {
    struct Skip;

    #[callback]
    impl Skip {
        fn on_validate_begin(&mut self, epoch: usize) -> Option<SkipValidation> {
            (epoch == 1).then_some(SkipValidation)
        }

        fn on_validate_end(&mut self, epoch: usize) {
            assert_ne!(epoch, 1, "what was not begun does not end");
        }
    }

    let mut learn = on(data(4, 4)).metric(accuracy).callback(Skip).build().expect("nothing is wrong with it");
    let report = learn.fit(3, 0.1).expect("it trains");
    let validated: Vec<_> = report.epochs.iter().map(|row| row.valid_loss.is_some()).collect();
    assert_eq!(validated, [true, false, true]);
    assert!(report.epochs[1].metrics[0].is_nan());
    assert!(report.epochs[2].metrics[0].is_finite());
}

/// Stops in a given hook, when that has run a given number of times.
struct StopIn(Hook, usize, Log);

impl StopIn {
    fn stop(&mut self, hook: Hook) -> Option<StopTraining> {
        if self.0 != hook {
            return None;
        }
        self.1 -= 1;
        (self.1 == 0).then(|| StopTraining::because(format!("enough of {hook}")))
    }
}

#[callback(name = "stop")]
impl StopIn {
    fn on_train_begin(&mut self) -> Option<StopTraining> {
        self.stop(Hook::TrainBegin)
    }

    fn on_epoch_begin(&mut self) -> Option<StopTraining> {
        self.stop(Hook::EpochBegin)
    }

    fn on_batch_begin(&mut self) -> Option<StopTraining> {
        self.stop(Hook::BatchBegin)
    }

    fn on_batch_end(&mut self, epoch: usize, num_batch: usize) -> Option<StopTraining> {
        self.2.add(format!("{epoch}.{num_batch}"));
        self.stop(Hook::BatchEnd)
    }

    fn on_epoch_end(&mut self) -> Option<StopTraining> {
        self.stop(Hook::EpochEnd)
    }
}

#[test]
fn stop_training_ends_the_training_there_and_the_report_says_who_where_and_why() {
    // The hook and how often it runs; the completed batches and epochs.
    let cases: [(Hook, usize, &[&str], usize); 6] = [
        (Hook::TrainBegin, 1, &[], 0),
        (Hook::EpochBegin, 2, &["0.0", "0.1", "0.2", "0.0"], 1),
        (Hook::BatchBegin, 2, &["0.0"], 0),
        (Hook::BatchEnd, 2, &["0.0", "0.1"], 0),
        (Hook::BatchEnd, 4, &["0.0", "0.1", "0.2", "0.0"], 0),
        (Hook::EpochEnd, 1, &["0.0", "0.1", "0.2", "0.0"], 1),
    ];
    for (hook, times, batches, epochs) in cases {
        let log = Log::default();
        let report = with(StopIn(hook, times, log.clone())).fit(3, 0.1).expect("a stop is no error");
        assert_eq!(log.take(), batches, "{hook}");
        assert_eq!(report.epochs.len(), epochs, "{hook}");
        let outcome = Outcome::Stopped { by: "stop".to_owned(), hook, why: format!("enough of {hook}") };
        assert_eq!(report.outcome, outcome);
        assert_eq!(report.outcome.to_string(), format!("stopped by `stop` in `{hook}`: enough of {hook}"));
    }
}

/// Returns one request from `on_batch_begin`, and logs that it ran.
struct Says<const WHAT: usize>(Log);

macro_rules! says {
    ($($what:literal $name:literal $answer:expr => $flow:ty;)*) => {$(
        #[callback(name = $name)]
        impl Says<$what> {
            fn on_batch_begin(&mut self) -> $flow {
                self.0.add($name);
                $answer
            }
        }
    )*};
}

says! {
    0 "nothing" () => ();
    1 "skip batch" SkipBatch => SkipBatch;
    2 "skip epoch" SkipEpoch => SkipEpoch;
    3 "stop" StopTraining::because("stop") => StopTraining;
    4 "stop too" StopTraining::because("a greater reason") => StopTraining;
}

#[test]
fn all_callbacks_run_and_the_strongest_request_wins_whoever_returns_it() {
    let log = Log::default();
    let outcome = |builder: mixup::learner::LearnerBuilder<support::Linear>| {
        let mut learn = builder.build().expect("nothing is wrong with it");
        learn.fit(1, 0.1).expect("it trains").outcome
    };
    let says = || on(data(12, 0)).callback(Says::<0>(log.clone()));

    let batch_then_epoch = says().callback(Says::<1>(log.clone())).callback(Says::<2>(log.clone()));
    assert_eq!(outcome(batch_then_epoch), Outcome::Finished);
    assert_eq!(log.take(), ["nothing", "skip batch", "skip epoch"], "one batch, then the epoch is left");

    let epoch_then_batch = says().callback(Says::<2>(log.clone())).callback(Says::<1>(log.clone()));
    assert_eq!(outcome(epoch_then_batch), Outcome::Finished);
    assert_eq!(log.take(), ["nothing", "skip epoch", "skip batch"], "likewise");

    let stop = says().callback(Says::<2>(log.clone())).callback(Says::<3>(log.clone()));
    let stop = stop.callback(Says::<4>(log.clone())).callback(Says::<1>(log.clone()));
    let stopped = Outcome::Stopped { by: "stop".to_owned(), hook: Hook::BatchBegin, why: "stop".to_owned() };
    assert_eq!(outcome(stop), stopped, "of two stops the first");
    assert_eq!(log.take(), ["nothing", "skip epoch", "stop", "stop too", "skip batch"], "all were asked");
}

#[test]
fn an_error_ends_the_training_before_the_other_callbacks_run() {
    struct Fails;

    #[callback]
    impl Fails {
        fn on_batch_begin(&mut self) -> std::io::Result<()> {
            Err(std::io::Error::other("no more"))
        }
    }

    let log = Log::default();
    let builder = on(data(4, 0)).callback(Says::<3>(log.clone())).callback(Fails).callback(Says::<0>(log.clone()));
    let error = builder.build().expect("nothing is wrong with it").fit(1, 0.1).expect_err("an error is stronger");
    assert!(matches!(error, Error::Callback { .. }), "{error}");
    assert_eq!(log.take(), ["stop"]);
}
