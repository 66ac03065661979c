//! `always`: a callback undoes what it must undo, however the phase ends.

use mixup::prelude::*;
use tch::Tensor;

use crate::support::{Log, bits, data, on, panic_text};

/// Averages the weights, and uses the averages during validation.
#[derive(Default)]
struct Ema {
    averaged: Vec<Tensor>,
    swapped: bool,
}

impl Ema {
    fn swap(&mut self, params: &Params) {
        tch::no_grad(|| {
            for ((_, param), averaged) in params.iter().zip(&mut self.averaged) {
                let own = param.copy();
                param.shallow_clone().copy_(averaged);
                averaged.copy_(&own);
            }
        });
        self.swapped = !self.swapped;
    }
}

#[callback]
impl Ema {
    fn on_train_begin(&mut self, params: &Params) {
        self.averaged = params.iter().map(|(_, param)| param.detach().copy() * 0.5).collect();
    }

    fn on_validate_begin(&mut self, params: &Params) {
        self.swap(params);
    }

    #[on(validate_end, always)]
    fn give_back(&mut self, params: &Params) {
        if self.swapped {
            self.swap(params);
        }
    }
}

/// Ends a validation early, after the `Ema` or before it.
struct Ends(&'static str);

#[callback]
impl Ends {
    fn on_validate_begin(&self) -> Result<(Option<SkipValidation>, Option<StopTraining>), String> {
        match self.0 {
            "error at begin" => Err("no".to_owned()),
            "panic at begin" => panic!("no"),
            "skip" => Ok((Some(SkipValidation), None)),
            "stop at begin" => Ok((None, Some(StopTraining::because("no")))),
            _ => Ok((None, None)),
        }
    }

    #[on(batch_begin, valid)]
    fn batch(&self) -> Result<(Option<SkipEpoch>, Option<StopTraining>), String> {
        match self.0 {
            "error in batch" => Err("no".to_owned()),
            "panic in batch" => panic!("no"),
            "skip epoch" => Ok((Some(SkipEpoch), None)),
            "stop in batch" => Ok((None, Some(StopTraining::because("no")))),
            _ => Ok((None, None)),
        }
    }

    fn on_validate_end(&self) -> Result<(), String> {
        if self.0 == "error at end" { Err("no".to_owned()) } else { Ok(()) }
    }
}

#[test]
fn an_ema_restores_the_weights_on_every_way_out_of_a_validation() {
    let ways = [
        "nothing",
        "error at begin",
        "panic at begin",
        "skip",
        "stop at begin",
        "error in batch",
        "panic in batch",
        "skip epoch",
        "stop in batch",
        "error at end",
    ];
    let mut plain = on(data(8, 4)).build().expect("it is right");
    plain.fit(1, 0.1).expect("it trains");
    for way in ways {
        for ema_first in [true, false] {
            let builder = if ema_first {
                on(data(8, 4)).callback(Ema::default()).callback(Ends(way))
            } else {
                on(data(8, 4)).callback(Ends(way)).callback(Ema::default())
            };
            let mut learn = builder.build().expect("it is right");
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| learn.fit(1, 0.1)));
            assert_eq!(bits(&learn), bits(&plain), "{way}, the Ema first: {ema_first}");
            assert_eq!(learn.get::<Ema>().map(|ema| ema.swapped), Some(false), "{way}");
        }
    }
}

/// Logs when it enters and leaves each phase.
struct Phases(&'static str, Log);

#[callback]
impl Phases {
    fn on_epoch_begin(&self) {
        self.1.add(format!("{} epoch", self.0));
    }

    #[on(batch_begin, train)]
    fn batch(&self, num_batch: usize) -> Result<Option<SkipBatch>, String> {
        self.1.add(format!("{} batch {num_batch}", self.0));
        if self.0 == "b" && num_batch == 1 { Err("b fails".to_owned()) } else { Ok(None) }
    }

    #[on(batch_end, always, train)]
    fn after_batch(&self, num_batch: usize) -> Result<(), String> {
        self.1.add(format!("{} after batch {num_batch}", self.0));
        if self.0 == "b" && num_batch == 1 { Err("b fails again".to_owned()) } else { Ok(()) }
    }

    fn on_epoch_end(&self) {
        self.1.add(format!("{} completed", self.0));
    }

    #[on(epoch_end, always)]
    fn after_epoch(&self) {
        self.1.add(format!("{} after epoch", self.0));
    }
}

#[test]
fn always_methods_of_those_that_entered_a_phase_run_once_in_reverse_order_and_all_errors_are_reported() {
    let log = Log::default();
    let builder = on(data(8, 0)).callback_named("first", Phases("a", log.clone()));
    let builder = builder.callback_named("second", Phases("b", log.clone()));
    let mut learn = builder.callback_named("third", Phases("c", log.clone())).build().expect("it is right");
    let error = learn.fit(1, 0.1).expect_err("b fails").to_string();
    let expected = "a epoch, b epoch, c epoch, a batch 0, b batch 0, c batch 0, c after batch 0, b after batch 0, a after batch 0, \
                    a batch 1, b batch 1, b after batch 1, a after batch 1, c after epoch, b after epoch, a after epoch";
    assert_eq!(log.take().join(", "), expected);
    let expected = "callback `second`, hook `on_batch_begin`, epoch 0, training batch 1: b fails; then callback `second`, hook \
                    `on_batch_end_always`, epoch 0, training batch 1: b fails again";
    assert_eq!(error, expected);
}

#[test]
fn always_methods_run_after_all_ends_of_a_completed_phase_and_after_a_skip() {
    struct Skips;

    #[callback(order = 9)]
    impl Skips {
        fn on_epoch_begin(epoch: usize) -> Option<SkipEpoch> {
            (epoch == 1).then_some(SkipEpoch)
        }
    }

    let log = Log::default();
    let builder = on(data(4, 0)).callback(Phases("a", log.clone())).callback(Phases("d", log.clone())).callback(Skips);
    builder.build().expect("it is right").fit(2, 0.1).expect("it trains");
    let expected = "a epoch, d epoch, a batch 0, d batch 0, d after batch 0, a after batch 0, d completed, a completed, d after epoch, \
                    a after epoch, a epoch, d epoch, d completed, a completed, d after epoch, a after epoch";
    assert_eq!(log.take().join(", "), expected);
}

#[test]
fn a_panic_in_one_always_method_does_not_prevent_the_others() {
    struct Panics;

    #[callback(order = 5)]
    impl Panics {
        #[on(epoch_end, always)]
        fn after() {
            panic!("after all");
        }
    }

    let log = Log::default();
    let mut learn = on(data(4, 0)).callback(Phases("a", log.clone())).callback(Panics).build().expect("it is right");
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| learn.fit(3, 0.1))).expect_err("it panics");
    assert!(panic.downcast_ref() == Some(&"after all"), "{}", panic_text(&*panic));
    assert_eq!(log.take().last().map(String::as_str), Some("a after epoch"));
    learn.remove::<Panics>();
    learn.fit(1, 0.1).expect("the learner trains on");
}
