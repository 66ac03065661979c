//! A callback's state, for a checkpoint, and its description, for a summary.

use mixup::{
    callback::{CallbackStates, StateError},
    prelude::*,
};
use serde::{Deserialize, Serialize};

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
    let saved = learn.callback_states().expect("it can be saved");
    assert_eq!(saved.0.keys().collect::<Vec<_>>(), ["History", "patience"]);
    let mut file = Vec::new();
    ciborium::into_writer(&saved, &mut file).expect("it can be written");

    let mut other = learner();
    other.get_mut::<Patience>().expect("it was added").at_most = 17;
    let read: CallbackStates = ciborium::from_reader(&file[..]).expect("it can be read");
    other.load_callback_states(&read).expect("it fits");
    let (best, waited, at_most, losses, more) = bits(&learn);
    assert_eq!(at_most, 3);
    // The fields that are not named are unchanged.
    assert_eq!(bits(&other), (best, waited, 17, losses, more));
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let mut learn = learner();
    learn.fit(1, 1e-3).expect("it trains");
    let before = bits(&learn);
    let good = learn.callback_states().expect("it can be saved");
    learn.fit(1, 1e-3).expect("it trains");
    let now = bits(&learn);
    assert_ne!(before, now);

    let mut wrong = good.clone();
    wrong.0.insert("patience".to_owned(), good.0["History"].clone());
    let error = learn.load_callback_states(&wrong).expect_err("it is another's");
    let text = "the callback `patience`: the saved state has no `best`: it is the state of another callback, or of an older one";
    assert_eq!((error.to_string().as_str(), bits(&learn)), (text, now.clone()));

    let mut missing = good.clone();
    missing.0.remove("patience");
    let error = learn.load_callback_states(&missing).expect_err("one is missing");
    assert!(matches!(error, StateError::Missing { ref name } if name == "patience"), "{error}");

    let mut more = good.clone();
    more.0.insert("nobody".to_owned(), good.0["History"].clone());
    let error = learn.load_callback_states(&more).expect_err("nobody takes it");
    assert!(matches!(&error, StateError::NoCallback { name } if name == "nobody"), "{error}");

    let mut stateless = good.clone();
    stateless.0.insert("Recorder".to_owned(), good.0["History"].clone());
    let error = learn.load_callback_states(&stateless).expect_err("it has no state").to_string();
    assert!(error.starts_with("the callback `Recorder`: the callback has no state"), "{error}");
    assert_eq!(bits(&learn), now);

    learn.load_callback_states(&good).expect("it fits");
    assert_eq!(bits(&learn), before);
}

#[test]
fn two_instances_of_one_type_have_their_own_states() {
    let two = |first: Patience, second: Patience| {
        let builder = on(data(8, 4)).callback_named("by loss", first).callback(second);
        builder.build().expect("nothing is wrong with it")
    };
    let states = two(Patience::new(3), Patience::new(4)).callback_states().expect("both can be saved");
    assert_eq!(states.0.keys().collect::<Vec<_>>(), ["by loss", "patience"]);
    let mut learn = two(Patience::new(5), Patience::new(6));
    learn.load_callback_states(&states).expect("the states are of these callbacks");
    assert_eq!(learn.callback_states().expect("both can be saved"), states);
    let learn = on(data(8, 4)).callback(Patience::new(3)).callback(Patience::new(4)).build().expect("two may run");
    let states = learn.callback_states().expect("both can be saved");
    assert_eq!(states.0.keys().collect::<Vec<_>>(), ["patience", "patience#2"]);
}

#[test]
fn a_summary_describes_each_callback() {
    let summary = learner().summary().to_string();
    let line = summary.lines().find(|line| line.starts_with("callbacks")).expect("there is such a line");
    let expected = "callbacks  Recorder, patience(at_most 3, best inf), History { losses: [NaN, -inf, 0.30000000000000004], \
                    more: 18446744073709551615 }";
    assert_eq!(line, expected);
}
