//! What may remember something that a checkpoint would not have is refused.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mixup::{
    learner::LearnerBuilder,
    metrics::{Metric, OverSet},
    prelude::*,
};
use tch::Tensor;

use super::support::{Linear, data, items, on};

fn with_checkpoints(builder: LearnerBuilder<Linear>) -> Result<Learner, mixup::training::Error> {
    let folder = tempfile::tempdir().expect("a folder");
    builder.checkpoints(Checkpoints::in_dir(folder.path())).build()
}

fn refused(builder: LearnerBuilder<Linear>) -> String {
    with_checkpoints(builder).err().expect("it would forget").to_string()
}

struct Counts(usize);

#[callback]
impl Counts {
    fn on_batch_end(&mut self) {
        self.0 += 1;
    }
}

struct Saved(usize);

#[callback(state)]
impl Saved {
    fn on_batch_end(&mut self) {
        self.0 += 1;
    }
}

impl serde::Serialize for Saved {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> serde::Deserialize<'de> for Saved {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        usize::deserialize(from).map(Self)
    }
}

struct Harmless(usize);

#[callback(stateless)]
impl Harmless {
    fn on_batch_end(&mut self) {
        self.0 += 1;
    }
}

/// Has a field, which no hook changes.
struct Fixed(usize);

#[callback]
impl Fixed {
    fn on_batch_end(&self) {
        assert!(self.0 < 2);
    }
}

#[test]
fn a_callback_that_may_change_says_whether_it_has_a_state() {
    let error = refused(on(data(8, 4)).callback(Counts(0)));
    assert_eq!(
        error,
        "the callback `Counts` may remember something that a checkpoint would not have: give it the option `state`, with the fields \
         that a training needs to go on, as in `#[callback(state(best))]`, or the option `stateless` if it needs none"
    );
    with_checkpoints(on(data(8, 4)).callback(Saved(0)).callback(Harmless(0)).callback(Fixed(0))).expect("they say it");
}

#[test]
fn without_checkpoints_it_need_not_say_it() {
    on(data(8, 4)).callback(Counts(0)).build().expect("nothing is saved").fit(1, 0.1).expect("it trains");
}

#[test]
fn a_callback_that_is_added_later_is_refused_when_the_training_begins() {
    let mut learn = with_checkpoints(on(data(8, 4))).expect("it has nothing to forget");
    learn.callback(Counts(0));
    let error = learn.fit(1, 0.1).expect_err("it would forget").to_string();
    assert!(error.contains("the callback `Counts` may remember something"), "{error}");
}

#[test]
fn a_closure_is_asked_only_if_it_has_captured_something() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = |seen: &Arc<AtomicUsize>| {
        let seen = Arc::clone(seen);
        move || {
            seen.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (one, other) = (count(&seen), count(&seen));
    let error = refused(on(data(8, 4)).callback(hook!(on_batch_end, name = "counts", move || one())));
    assert!(error.starts_with("the callback `counts` may remember something"), "{error}");
    let free = hook!(on_batch_end, |num_batch: usize| assert!(num_batch < 9));
    with_checkpoints(on(data(8, 4)).callback(free).callback(hook!(on_batch_end, stateless, move || other())))
        .expect("one has nothing, the other says it");
}

struct Pairs {
    calls: usize,
}

impl TrainStep for Pairs {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        self.calls += 1;
        let loss = now.loss()?;
        now.optimize_all(loss)
    }

    fn uses(&self) -> &'static [Uses] {
        Uses::ALL
    }
}

struct Turns {
    by: usize,
}

impl Sampler for Turns {
    fn order(&mut self, items: usize, _: &mut Rng) -> Result<Vec<usize>, DataError> {
        self.by += 1;
        Ok((0..items).map(|item| (item + self.by) % items).collect())
    }
}

#[test]
fn a_step_and_a_sampler_are_asked_too() {
    let error = refused(on(data(8, 4)).step(Pairs { calls: 0 }));
    assert!(error.starts_with("the step `Pairs` may remember something that a checkpoint would not have"), "{error}");
    let turning = Data::builder(items(8)).batch_size(4).sampler(Turns { by: 0 }).build().expect("there are items");
    let error = refused(on(turning));
    assert!(
        error.starts_with("the sampler `Turns` may remember something that a checkpoint would not have"),
        "{error}"
    );
    assert!(error.ends_with("or return true from its `is_stateless` if a training goes on without that"), "{error}");
}

/// Remembers the items since the validation began.
#[derive(Default)]
struct Items(i64);

impl OverSet for Items {
    fn push(&mut self, output: &Tensor, _: &Target) -> Result<(), BoxError> {
        self.0 += output.size()[0];
        Ok(())
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        Ok(Tensor::from(self.0))
    }

    fn reset(&mut self) {
        self.0 = 0;
    }
}

impl Metric for Items {
    fn over_set(&mut self) -> Option<&mut dyn OverSet> {
        Some(self)
    }
}

#[test]
fn a_metric_of_the_whole_set_is_asked_too() {
    let error = refused(on(data(8, 4)).metric_named("items", Items::default()));
    assert_eq!(
        error,
        "the metric `items` may remember something that a checkpoint would not have: implement `Stateful` for it and return `Some(self)` \
         from its `stateful`"
    );
    on(data(8, 4)).metric_named("items", Items::default()).build().expect("without checkpoints nothing is saved");
    with_checkpoints(on(data(8, 4)).metric(mixup::metrics::mse)).expect("it is called with `&self`");
}
