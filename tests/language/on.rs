//! `#[on(…)]`: methods of any name, several hooks, when they run, and the whole event.

use mixup::{
    callback::{BatchBegin, EpochEnd, Handler, Hook, TrainEnd},
    prelude::*,
};
use tch::Tensor;

use crate::support::{Log, data, on};

/// Trains for some epochs on batches of four, and returns what was logged.
fn logged<C: Callback>(training: i64, validation: i64, epochs: usize, callback: impl Fn(Log) -> C) -> Vec<String> {
    let log = Log::default();
    let data = data(training * 4, validation * 4);
    let mut learn = on(data).callback(callback(log.clone())).build().expect("nothing is wrong with it");
    learn.fit(epochs, 1e-3).expect("it trains");
    log.take()
}

#[test]
fn a_method_of_any_name_serves_the_hook_that_it_names() {
    struct Watch(Log);

    #[callback]
    impl Watch {
        #[on(epoch_end)]
        fn report(&self, epoch: usize) {
            self.0.add(format!("epoch {epoch}"));
        }

        #[on]
        fn on_train_end(&self, outcome: &Outcome) {
            self.0.add(outcome.to_string());
        }
    }

    assert_eq!(logged(1, 0, 2, Watch), ["epoch 0", "epoch 1", "finished"]);
    let hooks = [
        Handler::new(Hook::EpochEnd).method("report").names(&["epoch"]),
        Handler::new(Hook::TrainEnd).names(&["outcome"]),
    ];
    assert_eq!(Watch(Log::default()).handlers(), hooks);
}

#[test]
fn every_counts_the_completed_ones_in_an_end_hook_and_the_previous_ones_in_a_begin_hook() {
    struct Watch {
        log: Log,
        period: usize,
    }

    #[callback]
    impl Watch {
        #[on(batch_begin, train, every = 2)]
        fn begin(&self, iteration: usize) {
            self.log.add(format!("begin {iteration}"));
        }

        #[on(batch_end, train, every = self.period)]
        fn end(&self, iteration: usize) {
            self.log.add(format!("end {iteration}"));
        }

        #[on(epoch_begin, every = 2)]
        fn epoch_begin(&self, epoch: usize) {
            self.log.add(format!("epoch begin {epoch}"));
        }

        #[on(epoch_end, every = 2)]
        fn epoch_end(&self, epoch: usize) {
            self.log.add(format!("epoch end {epoch}"));
        }
    }

    // There are three batches in an epoch; training batches are counted over the whole training.
    let expected = "epoch begin 0, begin 0, end 1, begin 2, end 3, begin 4, end 5, epoch end 1, epoch begin 2, begin 6, end 7, begin 8";
    assert_eq!(logged(3, 0, 3, |log| Watch { log, period: 2 }).join(", "), expected);
    let handlers = Watch { log: Log::default(), period: 2 }.handlers();
    assert_eq!(handlers[1].filters, "train, every self.period");
}

#[test]
fn validation_batches_are_counted_in_their_pass() {
    struct Watch(Log);

    #[callback]
    impl Watch {
        #[on(batch_end, valid, every = 2)]
        fn of_validation(&self, num_batch: usize) {
            self.0.add(format!("valid {num_batch}"));
        }

        #[on(loss_begin, every = 3)]
        fn of_both(&self, train: bool, iteration: usize, num_batch: usize) {
            self.0.add(if train { format!("train {iteration}") } else { format!("both {num_batch}") });
        }
    }

    // An epoch has two training batches and four validation batches: iteration 3 is the second batch of the second epoch.
    let epochs = ["train 0, both 0, valid 1, both 3, valid 3", "train 3, both 0, valid 1, both 3, valid 3"];
    assert_eq!(logged(2, 4, 2, Watch).join(", "), epochs.join(", "));
}

#[test]
fn batches_are_counted_over_the_whole_training_in_a_hook_that_only_training_has() {
    struct Watch(Log);

    #[callback]
    impl Watch {
        #[on(backward_begin, every = 2)]
        fn begin(&self, iteration: usize) {
            self.0.add(format!("begin {iteration}"));
        }

        #[on(step_end, every = 2)]
        fn end(&self, iteration: usize) {
            self.0.add(format!("end {iteration}"));
        }
    }

    // An epoch has three batches: the second epoch begins with iteration 3.
    assert_eq!(logged(3, 0, 2, Watch).join(", "), "begin 0, end 1, begin 2, end 3, begin 4, end 5");
}

#[test]
fn one_of_first_every_and_last_is_enough() {
    struct Watch(Log);

    #[callback]
    impl Watch {
        #[on(batch_end, train, first, every = 4, last)]
        fn batch(&self, num_batch: usize) {
            self.0.add(num_batch.to_string());
        }

        #[on(epoch_end, first, last)]
        fn epoch(&self, epoch: usize) {
            self.0.add(format!("epoch {epoch}"));
        }
    }

    // An epoch has seven batches; every fourth batch ends at the iterations 3, 7, 11, 15, 19.
    let epochs = ["0, 3, 6, epoch 0", "0, 4, 6", "0, 1, 5, 6, epoch 2"];
    assert_eq!(logged(7, 1, 3, Watch).join(", "), epochs.join(", "));
}

#[test]
fn an_if_sees_self_and_the_values_of_the_hook() {
    const LIMIT: usize = 2;

    struct Watch {
        log: Log,
        on: bool,
        epoch: usize,
    }

    impl Watch {
        fn is_on(&self) -> bool {
            self.on
        }
    }

    #[callback]
    impl Watch {
        #[on(batch_end, train, if = self.is_on() && iteration >= LIMIT && self.epoch != epoch)]
        fn later(&self) {
            self.log.add("later");
        }

        #[on(batch_begin, if = last_input.items() == 4 && !train)]
        fn of_input(&mut self, last_input: &mut Input) {
            self.log.add(format!("{} of validation", last_input.items()));
        }
    }

    let watch = |on| move |log| Watch { log, on, epoch: 9 };
    assert_eq!(logged(3, 1, 1, watch(true)), ["later", "4 of validation"]);
    assert_eq!(logged(3, 1, 1, watch(false)), ["4 of validation"]);
    // What the filter uses is asked for as well.
    let handlers = watch(true)(Log::default()).handlers();
    assert_eq!(handlers[0].names, ["iteration", "epoch"]);
    assert_eq!(handlers[0].filters, "train, if self.is_on() && iteration >= LIMIT && self.epoch != epoch");
    assert_eq!(handlers[1].names, ["last_input", "train"]);
}

#[test]
fn an_if_on_the_smoothed_loss_gets_a_fresh_one() {
    struct Watch(Log);

    #[callback]
    impl Watch {
        #[on(batch_end, if = last_target.items() > 1 && last_loss.numel() == 1 && smooth_loss > 0.0)]
        fn alarm(&self) {
            self.0.add("alarm");
        }
    }

    assert_eq!(logged(2, 0, 1, Watch), ["alarm", "alarm"]);
}

#[test]
fn a_method_serves_several_hooks_and_several_methods_one() {
    struct Watch(Log);

    #[callback]
    impl Watch {
        #[on(epoch_begin, validate_begin)]
        #[on(batch_begin, first)]
        fn begin(&self, epoch: usize, train: bool) {
            self.0.add(format!("begin {epoch} {train}"));
        }

        #[on(epoch_end)]
        fn first(&self) {
            self.0.add("first");
        }

        fn on_epoch_end(&self) {
            self.0.add("second");
        }

        #[on(epoch_end)]
        #[cfg(not(test))]
        fn never(&self) {
            self.0.add("never");
        }

        #[on(epoch_end)]
        fn third(&self) {
            self.0.add("third");
        }
    }

    let expected = ["begin 0 true", "begin 0 true", "begin 0 false", "begin 0 false", "first", "second", "third"];
    assert_eq!(logged(2, 2, 1, Watch), expected);
    assert_eq!(Watch(Log::default()).handlers().len(), 6);
}

#[test]
fn the_request_that_skips_most_wins_among_several_methods() {
    struct Skips(Log);

    #[callback]
    impl Skips {
        #[on(batch_begin)]
        fn batch(&self) -> SkipBatch {
            SkipBatch
        }

        #[on(batch_begin, train)]
        fn epoch(&self) -> Option<SkipEpoch> {
            Some(SkipEpoch)
        }

        #[on(batch_begin)]
        fn seen(&self, num_batch: usize, train: bool) {
            self.0.add(format!("{num_batch} {train}"));
        }
    }

    assert_eq!(logged(3, 2, 1, Skips), ["0 true", "0 false", "1 false"]);
}

#[test]
fn an_error_of_one_method_keeps_the_others_of_its_hook_from_running() {
    struct Fails(Log);

    #[callback]
    impl Fails {
        #[on(epoch_end)]
        fn first(&self) -> Result<(), String> {
            Err("the disk is full".to_owned())
        }

        #[on(epoch_end)]
        fn second(&self) {
            self.0.add("second");
        }
    }

    let log = Log::default();
    let mut learn = on(data(4, 0)).callback(Fails(log.clone())).build().expect("nothing is wrong with it");
    let error = learn.fit(1, 1e-3).expect_err("it fails");
    assert_eq!(error.to_string(), "callback `Fails`, hook `on_epoch_end`, epoch 0: the disk is full");
    assert!(log.take().is_empty());
}

#[test]
fn a_period_of_zero_is_an_error_that_says_where() {
    struct Watch(usize);

    #[callback]
    impl Watch {
        #[on(batch_end, every = self.0)]
        fn never() {}
    }

    let mut learn = on(data(4, 0)).callback(Watch(0)).build().expect("nothing is wrong with it");
    let error = learn.fit(1, 1e-3).expect_err("0 is no period");
    let expected =
        "callback `Watch`, hook `on_batch_end`, epoch 0, training batch 0: `every` is 0: it must be at least 1";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_event_itself_has_everything() {
    #[derive(Default)]
    struct Whole {
        smooth: Vec<f64>,
        items: usize,
        recorded: usize,
        ended: bool,
    }

    #[callback]
    impl Whole {
        fn on_batch_begin(&mut self, event: &mut BatchBegin<'_>) -> Option<SkipBatch> {
            self.items += event.last_input.items();
            *event.last_input = Input::Tensor(Tensor::zeros([4, 3], (tch::Kind::Float, event.device)));
            (event.num_batch == 1).then_some(SkipBatch)
        }

        #[on(batch_end, train, if = if num_batch < 5 { num_batch } else { 9 } < 9)]
        fn smooth(&mut self, event: &mixup::callback::BatchEnd<'_>) {
            self.smooth.push(event.smooth_loss);
        }

        fn on_epoch_end(&mut self, event: &mut EpochEnd) {
            self.recorded = event.callback_mut::<Recorder>().map_or(0, |recorder| recorder.lrs().len());
            assert!(event.callback::<MixUp>().is_none());
        }

        fn on_train_end<'a>(&mut self, event: &'a mut TrainEnd<'_>) {
            self.ended = *event.outcome == Outcome::Finished;
        }
    }

    let builder = on(data(12, 0)).callback(Whole::default()).callback(Recorder::default());
    let mut learn = builder.build().expect("nothing is wrong with it");
    learn.fit(1, 1e-3).expect("it trains");
    let whole = learn.get::<Whole>().expect("it was added");
    assert_eq!((whole.items, whole.recorded, whole.ended, whole.smooth.len()), (12, 2, true, 2));
    assert!(whole.smooth.iter().all(|loss| loss.is_finite()), "{:?}", whole.smooth);
    assert_eq!(whole.handlers()[1].names, ["event", "num_batch"]);
}

#[test]
fn a_hook_may_have_no_self() {
    struct Counts;

    static EPOCHS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

    #[callback]
    impl Counts {
        fn on_epoch_end(epoch: usize) {
            EPOCHS.store(epoch + 1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    crate::train(Counts);
    assert_eq!(EPOCHS.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn an_error_in_a_filter_is_reported_at_its_line() {
    use std::{panic::Location, sync::Mutex};

    struct Watch {
        seen: Places,
    }

    #[derive(Default)]
    struct Places(Mutex<Vec<u32>>);

    impl Places {
        /// Like a method that panics and says where it was called.
        #[track_caller]
        fn here(&self) -> bool {
            self.0.lock().expect("nobody panicked").push(Location::caller().line());
            true
        }
    }

    const FIRST: u32 = line!() + 4;
    #[callback]
    impl Watch {
        // The next line, and the one after the next.
        #[on(epoch_end, if = self.seen.here())]
        #[on(train_end, if = self.seen.here() && self.seen.0.lock().is_ok())]
        fn watch() {}
    }

    let mut learn =
        on(data(4, 0)).callback(Watch { seen: Places::default() }).build().expect("nothing is wrong with it");
    learn.fit(1, 1e-3).expect("it trains");
    let seen = &learn.get::<Watch>().expect("it was added").seen;
    assert_eq!(*seen.0.lock().expect("nobody panicked"), [FIRST, FIRST + 1]);
}
