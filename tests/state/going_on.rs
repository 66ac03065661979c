//! A learner that gets the state and the weights of another one goes on as that one would: to the bit.
//!
//! The model here has dropout, which draws from libtorch's generator. The process has one, so these tests take turns.

use std::cell::{Cell, RefCell};

use mixup::{
    data::{Shuffled, Stream},
    metrics::Metric,
    model::Vars,
    prelude::*,
};
use tch::{Device, Kind, Tensor};

use crate::support::{
    Linear, bits,
    dropout::{ITEMS, alone, data, data_sampled, model},
    linear, number_is_state, series,
};

/// Draws, and remembers the sum of all that it ever drew.
#[derive(Default)]
struct Sum {
    drawn: Tensor,
    batches: u64,
}

#[callback(state(drawn, batches))]
impl Sum {
    #[on(batch_begin, train)]
    fn draw(&mut self, rng: &mut Rng, last_input: &mut Input) -> Result<(), BoxError> {
        let drawn = Tensor::from(rng.random::<f64>());
        self.drawn = if self.drawn.defined() { self.drawn.f_add(&drawn)? } else { drawn };
        self.batches += 1;
        // So that the training depends on it.
        let noisy = last_input.one()?.f_add(&self.drawn.f_mul_scalar(1e-3)?.f_to_kind(Kind::Float)?)?;
        *last_input = noisy.into();
        Ok(())
    }
}

fn learner(seed: u64) -> Learner {
    let builder = Learner::builder(data(), model).mixup().callback(Sum::default()).seed(seed).quiet();
    builder.build().expect("nothing is wrong with it")
}

fn learner_on(data: Data) -> Learner {
    let builder = Learner::builder(data, model).mixup().callback(Sum::default()).quiet();
    builder.build().expect("nothing is wrong with it")
}

/// All that is to go over to another learner, through a file.
struct Saved {
    state: Vec<u8>,
    params: Vec<Tensor>,
}

impl Saved {
    fn of(learn: &mut Learner) -> Self {
        let mut state = Vec::new();
        ciborium::into_writer(&learn.state().expect("it can be saved"), &mut state).expect("it can be written");
        Self { state, params: learn.params().iter().map(|(_, tensor)| tensor.detach_copy()).collect() }
    }

    fn load_into(&self, learn: &mut Learner) {
        let state: LearnerState = ciborium::from_reader(&self.state[..]).expect("it can be read");
        learn.load_state(&state).expect("it fits");
        for ((_, param), saved) in learn.params().iter().zip(&self.params) {
            tch::no_grad(|| param.shallow_clone().copy_(saved));
        }
    }
}

/// Trains four epochs at once, and two and then two in another learner; and that is the same. Returns the names of the states.
#[track_caller]
fn goes_on(build: impl Fn() -> Learner, between: impl Fn(&mut Learner)) -> Vec<String> {
    let mut whole = build();
    whole.fit(4, 0.01).expect("it trains");
    let mut first = build();
    first.fit(2, 0.01).expect("it trains");
    between(&mut first);
    let saved = Saved::of(&mut first);
    let mut second = build();
    saved.load_into(&mut second);
    second.fit(2, 0.01).expect("it trains");
    assert_eq!(bits(&second), bits(&whole));
    assert_eq!(second.position().epochs_before, 4);
    // But for the runs between, the states are the same too.
    let states = |learn: &mut Learner| {
        let mut state = learn.state().expect("it can be saved");
        state.0.remove("life");
        state
    };
    assert!(states(&mut second) == states(&mut whole));
    whole.state().expect("it can be saved").0.into_keys().collect()
}

#[test]
fn two_epochs_and_two_with_another_learner_give_the_bits_of_four() {
    let _alone = alone();
    assert_eq!(goes_on(|| learner(3), |_| {}), ["callback/Sum", "life", "optimizer"]);
    // Runs in between count too.
    goes_on(
        || learner(4),
        |learn| {
            learn.validate().expect("there is validation data");
            learn.predictions().expect("there is validation data");
        },
    );
}

#[test]
fn without_the_state_it_would_be_another_training() {
    let _alone = alone();
    let mut whole = learner(3);
    whole.fit(4, 0.01).expect("it trains");
    let mut first = learner(3);
    first.fit(2, 0.01).expect("it trains");
    let saved = Saved::of(&mut first);
    for left_out in ["life", "callback/Sum", "optimizer"] {
        let mut second = learner(3);
        let fresh = second.state().expect("it can be saved");
        saved.load_into(&mut second);
        let mut state = first.state().expect("it can be saved");
        state.0.insert(left_out.to_owned(), fresh.0[left_out].clone());
        second.load_state(&state).expect("it fits");
        second.fit(2, 0.01).expect("it trains");
        assert_ne!(bits(&second), bits(&whole), "{left_out}");
    }
}

#[test]
fn the_seed_is_part_of_the_state() {
    let _alone = alone();
    let mut whole = learner(3);
    whole.fit(4, 0.01).expect("it trains");
    let mut first = learner(3);
    first.fit(2, 0.01).expect("it trains");
    let mut other_seed = learner(5);
    Saved::of(&mut first).load_into(&mut other_seed);
    other_seed.fit(2, 0.01).expect("it trains");
    assert_eq!(bits(&other_seed), bits(&whole));
}

#[test]
fn own_runs_go_on_as_well() {
    let _alone = alone();
    let predicted = |learn: &mut Learner| {
        learn.callback(hook!(on_predict_batch_end, |last_output: &mut Tensor| {
            *last_output = last_output.dropout(0.5, true);
        }));
        let outputs = learn.predictions().expect("there is validation data").outputs;
        learn.remove::<Sum>();
        outputs
    };
    let mut first = learner(3);
    first.validate().expect("there is validation data");
    let saved = Saved::of(&mut first);
    let mut second = learner(3);
    saved.load_into(&mut second);
    let mut fresh = learner(3);
    let (first, second, fresh) = (predicted(&mut first), predicted(&mut second), predicted(&mut fresh));
    assert_eq!(first, second);
    assert_ne!(first, fresh, "it would draw what the run before has drawn");
}

/// Counts its batches, up to an end or for ever.
struct Counter {
    next: u64,
    end: u64,
}

impl Stream for Counter {
    fn next(&mut self, rng: &mut Rng) -> Result<Option<Batch>, DataError> {
        if self.next == self.end {
            self.next = 0;
            return Ok(None);
        }
        self.next += 1;
        let input = series(12, self.next as f64).f_reshape([4, 3])?.f_add_scalar(rng.random::<f64>())?;
        let classes = Tensor::arange(4, (Kind::Int64, Device::Cpu)).f_add_scalar(self.next as i64 % 10)?;
        Ok(Some(Batch { input: input.into(), target: classes.into() }))
    }
}

impl Stateful for Counter {
    fn save(&self) -> Result<State, StateError> {
        State::new().with("next", &self.next)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.next = state.field("next")?;
        Ok(())
    }
}

#[test]
fn a_stream_goes_on() {
    let _alone = alone();
    for end in [u64::MAX, 7] {
        let build = || {
            let data = Data::stream(Counter { next: 0, end }).batches_per_epoch(5).build().expect("a stream");
            learner_on(data)
        };
        assert_eq!(goes_on(build, |_| {}), ["callback/Sum", "data/train", "life", "optimizer"]);
    }
}

/// Begins with few items, and takes in more with each epoch.
struct Growing(usize);

impl Sampler for Growing {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        self.0 += 4;
        Shuffled.order(items.min(self.0), rng)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

number_is_state!(Growing);

#[test]
fn a_sampler_with_a_state_goes_on_also_within_a_shard_and_under_a_callback() {
    let _alone = alone();
    let build = |sampler: fn() -> Sampling, wrap: bool| {
        move || {
            let mut learn = learner_on(data_sampled(sampler()));
            if wrap {
                learn.callback(hook!(on_train_begin, |sampler: &mut Sampling| {
                    sampler.wrap(|inner| Shard::new(0, 2).expect("the first of two").around(inner));
                }));
            }
            learn
        }
    };
    let plain: fn() -> Sampling = || Sampling::new(Growing(0));
    let shard: fn() -> Sampling =
        || Sampling::new(Shard::new(1, 2).expect("the second of two").around(Sampling::new(Growing(4))));
    for (sampler, wrap) in [(plain, false), (shard, false), (plain, true)] {
        assert_eq!(goes_on(build(sampler, wrap), |_| {}), ["callback/Sum", "life", "optimizer", "sampler"]);
    }
}

/// A loss that grows stricter with each of its calls in training.
#[derive(Default)]
struct Annealed(Cell<u32>);

impl Loss for Annealed {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        if output.requires_grad() {
            self.0.set(self.0.get() + 1);
        }
        Ok(CrossEntropy::default().loss(output, target, reduction)?.f_mul_scalar(f64::from(self.0.get()).sqrt())?)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

impl Stateful for Annealed {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(&self.0.get())
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.0.set(state.data()?);
        Ok(())
    }
}

/// A metric that is the mean of all accuracies since the learner was built.
#[derive(Default)]
struct Lifelong(Cell<(f64, f64)>);

impl Metric for Lifelong {
    fn measure(&self, output: &Tensor, target: &Target) -> Result<Tensor, BoxError> {
        let (sum, count) = self.0.get();
        let (sum, count) = (sum + accuracy(output, target)?.f_double_value(&[])?, count + 1.0);
        self.0.set((sum, count));
        Ok(Tensor::from(sum / count))
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

impl Stateful for Lifelong {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(&self.0.get())
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.0.set(state.data()?);
        Ok(())
    }
}

/// A model that normalizes its input with a running mean, which is none of its parameters.
struct Normalized {
    inner: Linear,
    mean: RefCell<Option<Tensor>>,
}

impl Model for Normalized {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        let x = input.one()?;
        if train {
            let mean = x.f_mean_dim(&[0][..], true, x.kind())?;
            let before = self.mean.take();
            *self.mean.borrow_mut() = Some(match before {
                Some(before) => before.f_lerp(&mean, 0.1)?,
                None => mean,
            });
        }
        let x = match &*self.mean.borrow() {
            Some(mean) => x.f_sub(mean)?,
            None => x.shallow_clone(),
        };
        self.inner.forward_batch(&x.into(), train)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self.mean.get_mut())
    }
}

#[test]
fn a_loss_a_metric_and_a_model_with_a_state_go_on() {
    let _alone = alone();
    let build = || {
        let model = |vars: &Vars<'_>| Normalized { inner: linear(vars, 3, ITEMS), mean: RefCell::new(None) };
        let builder =
            Learner::builder(data(), model).loss(Annealed::default()).metric_named("lifelong", Lifelong::default());
        builder.mixup().callback(Sum::default()).quiet().build().expect("nothing is wrong with it")
    };
    let names = ["callback/Sum", "life", "loss", "metric/lifelong", "model", "optimizer"];
    assert_eq!(goes_on(build, |_| {}), names);
}

#[test]
fn the_losses_of_several_tasks_go_on_each_with_its_own_state() {
    let _alone = alone();
    let build = || {
        let set = || {
            let classes = |step: i64| {
                Target::from(Tensor::arange_start_step(0, 12 * step, step, (Kind::Int64, Device::Cpu)).remainder(4))
            };
            let input = series(36, 0.37).reshape([12, 3]);
            let batch = |from: i64| Batch {
                input: input.narrow(0, from, 4).into(),
                target: Target::several(
                    [1, 2, 3, 5].map(|step| Target::from(classes(step).tensor().narrow(0, from, 4))),
                )
                .expect("as many"),
            };
            [0, 4, 8].map(batch).into()
        };
        let data = Data::from_batches(set(), Vec::new()).expect("three batches");
        let loss = MultiTask::new().task(0..4, 1.0, CrossEntropy::default());
        let loss = loss.and_then(|loss| loss.task(0..4, 1.0, Annealed::default()));
        let loss = loss.and_then(|loss| loss.task(4..8, 0.5, Annealed(Cell::new(7))));
        // The state of a loss function is found also in a `LossFunc` inside of another loss.
        let shared = LossFunc::new(Annealed(Cell::new(3)));
        let loss = loss.and_then(|loss| loss.task(4..8, 0.5, shared)).expect("weights");
        Learner::builder(data, |vars| linear(vars, 3, 8))
            .loss(loss)
            .callback(Sum::default())
            .quiet()
            .build()
            .expect("nothing is wrong with it")
    };
    assert_eq!(goes_on(build, |_| {}), ["callback/Sum", "life", "loss", "optimizer"]);
}
