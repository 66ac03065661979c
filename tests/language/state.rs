//! A callback's state, and its description, for a summary.

use std::collections::BTreeMap;

use mixup::prelude::*;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::support::{Log, data, on};

/// Named fields are saved; the others are left alone.
#[derive(Debug)]
struct Patience {
    best: f64,
    waited: usize,
    at_most: usize,
    log: std::marker::PhantomData<Log>,
}

impl Patience {
    fn new(at_most: usize) -> Self {
        Self { best: f64::INFINITY, waited: 0, at_most, log: std::marker::PhantomData }
    }
}

#[callback(name = "patience", state(best, waited), describe(at_most, best))]
impl Patience {
    fn on_epoch_end(&mut self, train_loss: f64) -> Option<StopTraining> {
        self.waited = if train_loss < self.best { 0 } else { self.waited + 1 };
        self.best = self.best.min(train_loss);
        (self.waited > self.at_most).then(|| StopTraining::because("no gain"))
    }
}

/// The whole callback is its state.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct History<T> {
    losses: Vec<f64>,
    more: T,
}

#[callback(state, describe)]
impl<T: Default + std::fmt::Debug + Serialize + serde::de::DeserializeOwned> History<T> {
    fn on_epoch_end(&mut self, train_loss: f64) {
        self.losses.push(train_loss);
    }
}

fn learner() -> Learner {
    let history = History { losses: vec![f64::NAN, f64::NEG_INFINITY, 0.1 + 0.2], more: u64::MAX };
    let builder = on(data(8, 4)).callback(Patience::new(3)).callback(history).callback(Recorder::default());
    builder.build().expect("nothing is wrong with it")
}

fn bits(learn: &Learner) -> (u64, usize, usize, Vec<u64>, u64) {
    let patience = learn.get::<Patience>().expect("it was added");
    let history = learn.get::<History<u64>>().expect("it was added");
    let losses = history.losses.iter().map(|loss| loss.to_bits()).collect();
    (patience.best.to_bits(), patience.waited, patience.at_most, losses, history.more)
}

#[test]
fn a_state_that_went_through_a_file_is_the_same_to_the_bit() {
    let mut learn = learner();
    learn.fit(2, 1e-3).expect("it trains");
    let saved = learn.state().expect("it can be saved");
    assert_eq!(
        saved.0.keys().collect::<Vec<_>>(),
        ["callback/History", "callback/Recorder", "callback/patience", "life", "optimizer"]
    );
    let mut file = Vec::new();
    ciborium::into_writer(&saved, &mut file).expect("it can be written");

    let mut other = learner();
    other.get_mut::<Patience>().expect("it was added").at_most = 17;
    let read: LearnerState = ciborium::from_reader(&file[..]).expect("it can be read");
    other.load_state(&read).expect("it fits");
    let (best, waited, at_most, losses, more) = bits(&learn);
    assert_eq!(at_most, 3);
    // The fields that are not named are unchanged.
    assert_eq!(bits(&other), (best, waited, 17, losses, more));
}

#[test]
fn two_instances_of_one_type_have_their_own_states() {
    let two = |first: Patience, second: Patience| {
        let builder = on(data(8, 4)).callback_named("by loss", first).callback(second);
        builder.build().expect("nothing is wrong with it")
    };
    let states = two(Patience::new(3), Patience::new(4)).state().expect("both can be saved");
    assert_eq!(states.0.keys().collect::<Vec<_>>(), ["callback/by loss", "callback/patience", "life", "optimizer"]);
    let mut learn = two(Patience::new(5), Patience::new(6));
    learn.load_state(&states).expect("the states are of these callbacks");
    assert_eq!(learn.state().expect("both can be saved"), states);
    let mut learn = on(data(8, 4)).callback(Patience::new(3)).callback(Patience::new(4)).build().expect("two may run");
    let states = learn.state().expect("both can be saved");
    assert_eq!(states.0.keys().collect::<Vec<_>>(), ["callback/patience", "callback/patience#2", "life", "optimizer"]);
}

/// Tensors under an alias: what is saved how follows from the types, not from their names.
type Weights = Tensor;

/// A running mean of the parameters.
#[derive(Default)]
struct Mean<T> {
    steps: u64,
    means: BTreeMap<String, Weights>,
    last: Option<Weights>,
    spread: Inner,
    more: T,
}

/// Something of a callback's that is stateful by itself.
#[derive(Default)]
struct Inner(Vec<Tensor>);

impl Stateful for Inner {
    fn save(&self) -> Result<State, StateError> {
        self.0.save()
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.0.load(state)
    }
}

#[callback(state(steps, means, last, spread, more), version = 2)]
impl<T: Default + Send + Serialize + serde::de::DeserializeOwned> Mean<T> {
    fn on_step_end(&mut self, params: &Params) -> Result<(), tch::TchError> {
        self.steps += 1;
        for (name, param) in params.iter() {
            let param = param.f_detach_copy()?;
            self.spread.0.push(param.f_std(true)?);
            self.last = Some(param.f_detach_copy()?);
            let mean = self.means.entry(name.to_owned()).or_insert(param);
            let _ = mean.f_mul_scalar_(0.9)?;
        }
        Ok(())
    }
}

#[test]
fn a_field_that_is_a_tensor_is_saved_as_a_tensor() -> Result<(), Box<dyn std::error::Error>> {
    let learner = || on(data(8, 0)).callback(Mean::<Vec<u8>>::default()).build();
    let mut learn = learner()?;
    learn.get_mut::<Mean<Vec<u8>>>().expect("it was added").more = vec![1, 2];
    learn.fit(1, 0.1)?;
    let saved = learn.state()?;
    let state = &saved.0["callback/Mean"];
    assert_eq!(state.version(), 2);
    let names: Vec<_> = state.tensor_names().collect();
    assert_eq!(names, ["last", "means/bias", "means/weight", "spread/0", "spread/1", "spread/2", "spread/3"]);
    assert_eq!(state.field::<u64>("steps")?, 2);

    let mut file = Vec::new();
    ciborium::into_writer(&saved, &mut file)?;
    let mut other = learner()?;
    other.load_state(&ciborium::from_reader(&file[..])?)?;
    assert_eq!(other.state()?, saved);
    let (mean, loaded) = (learn.get::<Mean<Vec<u8>>>(), other.get::<Mean<Vec<u8>>>());
    let (mean, loaded) = (mean.expect("it was added"), loaded.expect("it was added"));
    assert_eq!((&loaded.means, &loaded.last, &loaded.spread.0), (&mean.means, &mean.last, &mean.spread.0));
    assert_eq!((loaded.steps, &loaded.more), (2, &vec![1, 2]));
    Ok(())
}

#[test]
fn a_tensor_that_is_not_there_yet_is_not_there_after_loading_either() -> Result<(), Box<dyn std::error::Error>> {
    let learner = || on(data(8, 0)).callback(Mean::<u8>::default()).build();
    let empty = learner()?.state()?;
    let mut learn = learner()?;
    learn.fit(1, 0.1)?;
    learn.load_state(&empty)?;
    let mean = learn.get::<Mean<u8>>().expect("it was added");
    assert!(mean.last.is_none() && mean.means.is_empty() && mean.spread.0.is_empty() && mean.steps == 0);
    Ok(())
}

/// Implements `Stateful` by hand, for the sake of older states.
#[derive(Default, PartialEq, Debug)]
struct Counted {
    batches: u64,
    items: u64,
}

impl Stateful for Counted {
    fn version(&self) -> u32 {
        2
    }

    fn save(&self) -> Result<State, StateError> {
        State::new().with("batches", &self.batches)?.with("items", &self.items)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        // Version 1 had no items: all batches had four.
        let batches = state.field("batches")?;
        let items = if state.version() < 2 { batches * 4 } else { state.field("items")? };
        *self = Self { batches, items };
        Ok(())
    }
}

#[callback(stateful)]
impl Counted {
    #[on(batch_end, train)]
    fn count(&mut self, last_target: &Target) {
        self.batches += 1;
        self.items += last_target.items() as u64;
    }
}

/// The same callback as it was before.
#[derive(Default)]
struct Older {
    batches: u64,
}

#[callback(name = "Counted", state(batches))]
impl Older {
    #[on(batch_end, train)]
    fn count(&mut self) {
        self.batches += 1;
    }
}

#[test]
fn an_older_state_reaches_load_and_a_newer_one_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
    let mut older = on(data(8, 0)).callback(Older::default()).build()?;
    let mut newer = on(data(8, 0)).callback(Counted::default()).build()?;
    older.fit(2, 0.1)?;
    newer.load_state(&older.state()?)?;
    assert_eq!(*newer.get::<Counted>().expect("it was added"), Counted { batches: 4, items: 16 });
    newer.fit(1, 0.1)?;
    assert_eq!(*newer.get::<Counted>().expect("it was added"), Counted { batches: 6, items: 24 });

    let error = older.load_state(&newer.state()?).expect_err("it is newer").to_string();
    let text = "the state of `callback/Counted`: the saved state is of version 2, and versions up to 1 can be loaded here: a newer \
                program has saved it";
    assert_eq!(error, text);
    assert_eq!(older.get::<Older>().expect("it was added").batches, 4);
    Ok(())
}

#[test]
fn a_summary_describes_each_callback() {
    let summary = learner().summary().to_string();
    let line = summary.lines().find(|line| line.starts_with("callbacks")).expect("there is such a line");
    let expected = "callbacks  Recorder, patience(at_most 3, best inf), History { losses: [NaN, -inf, 0.30000000000000004], \
                    more: 18446744073709551615 }";
    assert_eq!(line, expected);
}
