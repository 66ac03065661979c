//! The order of the hooks in a step, and every way out of it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use mixup::{
    callback::Hook,
    loss::CrossEntropy,
    prelude::*,
    state::{State, StateError, Stateful},
};

use super::{
    Duel, Plain, duel,
    support::{Log, bits, data, on, panic_text},
};

#[test]
fn a_step_with_the_parts_of_the_learners_own_trains_to_the_bit_as_it() {
    let build = || on(data(16, 7)).loss(CrossEntropy::default()).metric(accuracy).mixup();
    let (mut own, mut plain) =
        (build().build().expect("it fits"), build().step(Plain).build().expect("MixUp fits a step that uses the loss"));
    let (report, reference) = (plain.fit(2, 0.1).expect("it trains"), own.fit(2, 0.1).expect("it trains"));
    assert_eq!(bits(&plain), bits(&own));
    assert_eq!(report.epochs[1].train_loss.to_bits(), reference.epochs[1].train_loss.to_bits());
    assert_eq!(report.epochs[1].metrics, reference.epochs[1].metrics);
}

/// Notes each hook of a batch, with the counts.
struct Notes(Log);

#[callback]
impl Notes {
    #[on(batch_begin, train)]
    fn begin(&self, iteration: usize, steps: usize) {
        self.0.add(format!("batch_begin {iteration} {steps}"));
    }

    fn on_backward_begin(&self, last_loss: &tch::Tensor) {
        self.0.add(format!("backward_begin {}", last_loss.requires_grad()));
    }

    fn on_backward_end(&self) {
        self.0.add("backward_end");
    }

    fn on_step_end(&self, steps: usize, stepped: bool) {
        self.0.add(format!("step_end {steps} {stepped}"));
    }

    #[on(batch_end, train)]
    fn end(&self, iteration: usize, steps: usize) {
        self.0.add(format!("batch_end {iteration} {steps}"));
    }
}

#[test]
fn the_hooks_of_each_loss_run_within_the_batch_and_a_batch_counts_once() {
    let log = Log::default();
    let mut learn = duel(Duel).callback(Notes(log.clone())).build().expect("two groups");
    learn.fit(1, 0.1).expect("it trains");
    let one_loss =
        |steps: usize| ["backward_begin true".to_owned(), "backward_end".to_owned(), format!("step_end {steps} true")];
    let mut wanted = Vec::new();
    for batch in 0..2 {
        wanted.push(format!("batch_begin {batch} {}", 2 * batch));
        wanted.extend(one_loss(2 * batch + 1));
        wanted.extend(one_loss(2 * batch + 2));
        wanted.push(format!("batch_end {batch} {}", 2 * batch + 2));
    }
    assert_eq!(log.take(), wanted);
}

/// Stops, fails or panics at a hook, once.
struct AtOnce {
    at: Hook,
    how: How,
    left: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Stop,
    Fail,
    Panic,
}

impl AtOnce {
    fn act(&self, hook: Hook) -> Result<Option<StopTraining>, BoxError> {
        if hook != self.at || self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err() {
            return Ok(None);
        }
        match self.how {
            How::Stop => Ok(Some(StopTraining::because("enough"))),
            How::Fail => Err("it broke".into()),
            How::Panic => panic!("it panicked"),
        }
    }
}

#[callback]
impl AtOnce {
    fn on_batch_begin(&self) -> Result<Option<StopTraining>, BoxError> {
        self.act(Hook::BatchBegin)
    }

    fn on_backward_begin(&self) -> Result<Option<StopTraining>, BoxError> {
        self.act(Hook::BackwardBegin)
    }

    fn on_backward_end(&self) -> Result<Option<StopTraining>, BoxError> {
        self.act(Hook::BackwardEnd)
    }

    fn on_step_end(&self) -> Result<Option<StopTraining>, BoxError> {
        self.act(Hook::StepEnd)
    }

    fn on_batch_end(&self) -> Result<Option<StopTraining>, BoxError> {
        self.act(Hook::BatchEnd)
    }
}

/// Does as `Duel` does, and ignores every error.
struct Deaf(Arc<AtomicUsize>);

impl TrainStep for Deaf {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        self.0.fetch_add(1, Relaxed);
        let first = Duel::mean(now)?;
        let _ = now.optimize("weight", first);
        let second = Duel::mean(now)?;
        let _ = now.optimize("bias", second);
        Ok(())
    }
}

#[test]
fn whatever_a_callback_does_in_a_step_the_training_ends_and_the_next_one_is_as_always() {
    let hooks = [Hook::BatchBegin, Hook::BackwardBegin, Hook::BackwardEnd, Hook::StepEnd, Hook::BatchEnd];
    for at in hooks {
        for how in [How::Stop, How::Fail, How::Panic] {
            let (left, calls, log) = (Arc::new(AtomicUsize::new(1)), Arc::<AtomicUsize>::default(), Log::default());
            let mut learn = duel(Deaf(calls.clone()))
                .callback(AtOnce { at, how, left })
                .callback(Ends(log.clone()))
                .build()
                .expect("two groups");
            let run = catch_unwind(AssertUnwindSafe(|| learn.fit(1, 0.1).map(|report| report.outcome.to_string())));
            let said = match run {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => error.to_string(),
                Err(payload) => panic_text(&*payload),
            };
            let wanted = match how {
                How::Stop => "enough",
                How::Fail => "it broke",
                How::Panic => "it panicked",
            };
            assert!(said.contains(wanted), "{at} {how:?}: {said}");
            assert_eq!(calls.load(Relaxed), usize::from(at != Hook::BatchBegin), "{at} {how:?}");
            assert_eq!(log.take().len(), 1, "{at} {how:?}: `on_train_end` runs once");
            assert!(learn.params().as_slice().iter().all(|param| !param.is_frozen()), "{at} {how:?}");
            let report = learn.fit(1, 0.1).expect("the learner trains again");
            assert_eq!(
                (report.outcome, calls.load(Relaxed)),
                (Outcome::Finished, 2 + usize::from(at != Hook::BatchBegin))
            );
        }
    }
}

struct Ends(Log);

#[callback]
impl Ends {
    fn on_train_end(&self, outcome: &Outcome) {
        self.0.add(outcome.to_string());
    }
}

/// Fails, panics or has libtorch reject something in the first batch.
struct Faulty(&'static str);

impl TrainStep for Faulty {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        match std::mem::take(&mut self.0) {
            "fails" => Err("no luck".into()),
            "panics" => panic!("a bug in the step"),
            "rejected" => {
                let _ = now.input().one()?.reshape([1, 1]);
                Ok(())
            }
            "optimizes nothing" => Ok(()),
            "unknown" => now.optimize("wait", Duel::mean(now)?),
            "not one number" => {
                let loss = now.model::<super::support::Linear>()?.forward_batch(now.input(), true)?;
                now.optimize_all(loss)
            }
            "other model" => now.model::<mixup::model::SimpleCnn>().map(drop),
            "undeclared" => now.loss().map(drop),
            "no output" => now.output::<tch::Tensor>().map(drop),
            "unpublished" => now.publish("fun", 1.0),
            _ => Duel.step(now),
        }
    }
}

#[test]
fn an_error_of_the_step_says_which_step_and_which_batch_and_what_would_be_right() {
    let cases = [
        ("fails", "the step `Faulty`, epoch 0, training batch 0: no luck"),
        ("rejected", "the step `Faulty`, epoch 0, training batch 0: shape '[1, 1]' is invalid for input of size 12"),
        (
            "optimizes nothing",
            "the step `Faulty`, epoch 0, training batch 0: it optimized nothing: call `now.optimize(…)` or `now.optimize_all(…)`; to \
             leave a batch out, a callback returns `SkipBatch` from `on_batch_begin`",
        ),
        (
            "unknown",
            "the step `Faulty`, epoch 0, training batch 0: there is no optimizer `wait`: the optimizers are `weight` and `bias`",
        ),
        (
            "not one number",
            "the loss, epoch 0, training batch 0, has the shape [4, 2]: the backward pass begins with one number; reduce it with its mean",
        ),
        (
            "other model",
            "the step `Faulty`, epoch 0, training batch 0: it asks for the model as `SimpleCnn`, and this learner's is `Linear`",
        ),
        (
            "undeclared",
            "the step `Faulty`, epoch 0, training batch 0: it uses `last_output` and does not declare it: add `Uses::Output` to its `uses()`",
        ),
        (
            "no output",
            "the step `Faulty`, epoch 0, training batch 0: there is no output yet: call `now.forward()?` first",
        ),
        (
            "unpublished",
            "the step `Faulty`, epoch 0, training batch 0: it publishes `fun` and does not declare it: add it to its `values()`",
        ),
    ];
    for (case, wanted) in cases {
        let mut learn = duel(Faulty(case)).build().expect("two groups");
        assert_eq!(learn.fit(1, 0.1).expect_err(case).to_string(), wanted, "{case}");
        learn.fit(1, 0.1).expect("the step is still there, and does better now");
    }
}

#[test]
fn a_step_that_panics_is_there_in_the_next_training() {
    let log = Log::default();
    let mut learn = duel(Faulty("panics")).callback(Ends(log.clone())).build().expect("two groups");
    let panicked = catch_unwind(AssertUnwindSafe(|| learn.fit(1, 0.1))).expect_err("a bug");
    assert_eq!(panic_text(&*panicked), "a bug in the step");
    assert_eq!(log.take().len(), 1);
    learn.fit(1, 0.1).expect("the step does better now");
    assert!(learn.step_as::<Faulty>().is_some_and(|step| step.0.is_empty()));
}

/// Trains on the halves of each batch in turn, and publishes which it was.
struct Halves {
    seen: u64,
}

impl TrainStep for Halves {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        let (input, target) = (now.input().one()?.shallow_clone(), now.target().tensor().shallow_clone());
        for half in 0..2 {
            now.set_batch(input.narrow(0, 2 * half, 2).into(), Target::Classes(target.narrow(0, 2 * half, 2)));
            let loss = now.loss()?;
            now.optimize_all(loss)?;
            self.seen += 1;
        }
        let drawn: f64 = now.rng().random();
        now.publish("drawn", drawn)
    }

    fn uses(&self) -> &'static [Uses] {
        Uses::ALL
    }

    fn values(&self) -> Vec<String> {
        vec!["drawn".to_owned()]
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

impl Stateful for Halves {
    fn save(&self) -> Result<State, StateError> {
        State::new().with("seen", &self.seen)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.seen = state.field("seen")?;
        Ok(())
    }
}

#[test]
fn a_step_that_trains_on_parts_of_a_batch_does_as_smaller_batches_do() {
    let mut halves = on(data(8, 0)).step(Halves { seen: 0 }).build().expect("it fits");
    let report = halves.fit(1, 0.1).expect("it trains");
    let small = Data::builder(super::support::items(8)).batch_size(2).shuffle(false).build().expect("there are items");
    let mut plain = on(small).build().expect("it fits");
    plain.fit(1, 0.1).expect("it trains");
    assert_eq!(bits(&halves), bits(&plain));
    assert_eq!(report.value_names, ["drawn"]);
    assert!((0.0..1.0).contains(&report.epochs[0].values[0]));
}

#[test]
fn the_state_of_a_step_is_saved_and_loaded_and_its_draws_are_a_function_of_the_place() {
    let build = || on(data(8, 0)).step(Halves { seen: 0 }).build().expect("it fits");
    let (mut first, mut second, mut whole) = (build(), build(), build());
    let drawn = |learn: &mut Learner, epochs| {
        learn.fit(epochs, 0.1).expect("it trains").epochs.last().expect("an epoch").values[0]
    };
    let in_second_epoch = drawn(&mut whole, 2);
    drawn(&mut first, 1);
    second.load_state(&first.state().expect("it has one")).expect("the same step");
    assert_eq!(drawn(&mut second, 1).to_bits(), in_second_epoch.to_bits());
    assert_eq!(second.step_as::<Halves>().expect("it is one").seen, 8);
}
