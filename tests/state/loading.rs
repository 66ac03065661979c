//! Loading is all or nothing, and says what does not fit; and `resumed` says that something was loaded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mixup::{prelude::*, training::BuildError};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::support::{Log, data, on, panic_text};

/// Counts batches, and starts afresh in each training as the guide says.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Count(u64);

#[callback(state)]
impl Count {
    fn on_train_begin(&mut self, epochs: usize, resumed: bool) {
        if epochs > 0 && !resumed {
            self.0 = 0;
        }
    }

    #[on(batch_end, train)]
    fn count(&mut self) {
        self.0 += 1;
    }
}

/// Finds something wrong with its state only after it has taken it over.
#[derive(Default)]
struct Picky {
    number: u64,
    refuses: bool,
    /// What it does with the number 14.
    panics: Option<fn()>,
}

impl Stateful for Picky {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(&self.number)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.number = state.data()?;
        if let (14, Some(panics)) = (self.number, self.panics) {
            panics();
        }
        if self.refuses && self.number == 13 { Err(StateError::other("13 is no number")) } else { Ok(()) }
    }
}

#[callback(stateful)]
impl Picky {
    fn on_train_end() {}
}

/// Has no state.
struct Stateless;

#[callback]
impl Stateless {
    fn on_train_end() {}
}

fn learner() -> Learner {
    let builder = on(data(8, 0)).callback(Count::default()).callback(Picky::default()).callback(Stateless);
    builder.build().expect("nothing is wrong with it")
}

/// A learner in the middle of its life, what it remembers, and what it remembered before.
fn trained() -> (Learner, LearnerState, LearnerState) {
    let mut learn = learner();
    learn.fit(1, 0.1).expect("it trains");
    let before = learn.state().expect("it can be saved");
    learn.fit(2, 0.1).expect("it trains");
    let picky = learn.get_mut::<Picky>().expect("it was added");
    (picky.number, picky.refuses) = (7, true);
    let now = learn.state().expect("it can be saved");
    assert!(now != before);
    (learn, now, before)
}

type Spoil = fn(&mut LearnerState);

#[test]
fn a_state_that_does_not_fit_changes_nothing_and_says_what_is_wrong() {
    let cases: &[(Spoil, &str)] = &[
        (
            |saved| drop(saved.0.remove("callback/Picky")),
            "the learner's `callback/Picky` has a state, and there is none among the saved ones",
        ),
        (
            |saved| drop(saved.0.insert("callback/nobody".to_owned(), State::new())),
            "there is a saved state of `callback/nobody`, and the learner has states of `callback/Count`, `callback/Picky`, `life`, `optimizer`",
        ),
        (
            |saved| drop(saved.0.insert("callback/Stateless".to_owned(), State::new())),
            "there is a saved state of `callback/Stateless`, and the learner has states of `callback/Count`, `callback/Picky`, \
             `life`, `optimizer`",
        ),
        (
            |saved| drop(saved.0.insert("callback/Picky".to_owned(), State::of_data(&13).expect("a number"))),
            "the state of `callback/Picky`: 13 is no number",
        ),
        (
            |saved| drop(saved.0.insert("callback/Picky".to_owned(), State::of_data("13").expect("a text"))),
            "the state of `callback/Picky`: the saved state does not fit: ",
        ),
        (
            |saved| drop(saved.0.insert("life".to_owned(), State::new())),
            "the state of `life`: the saved state does not fit: ",
        ),
    ];
    for (spoil, says) in cases {
        let (mut learn, now, before) = trained();
        let mut saved = before.clone();
        spoil(&mut saved);
        let error = learn.load_state(&saved).expect_err(says).to_string();
        assert!(error.starts_with(says), "{error}");
        assert!(learn.state().expect("it can be saved") == now, "{says}: something has changed");
        learn.load_state(&before).expect("it fits");
        assert!(learn.state().expect("it can be saved") == before);
    }
}

/// Loads a state whose last part makes `load` panic, after all others were loaded. Then loads it as it was.
fn load_with_a_panic(panics: fn()) -> std::thread::Result<Result<(), StateError>> {
    let (mut learn, now, before) = trained();
    learn.get_mut::<Picky>().expect("it was added").panics = Some(panics);
    let mut saved = before.clone();
    saved.0.insert("callback/Picky".to_owned(), State::of_data(&14).expect("a number"));
    let result = catch_unwind(AssertUnwindSafe(|| learn.load_state(&saved)));
    assert!(learn.state().expect("it can be saved") == now, "something has changed");
    learn.load_state(&before).expect("it fits");
    assert!(learn.state().expect("it can be saved") == before);
    result
}

#[test]
fn a_panic_while_loading_changes_nothing_and_goes_on() {
    let payload = load_with_a_panic(|| panic!("14 is no number")).expect_err("it panics");
    assert_eq!(panic_text(&*payload), "14 is no number");
}

#[test]
fn what_libtorch_rejects_while_loading_is_an_error_that_changes_nothing_and_says_whose_state_it_is() {
    let result = load_with_a_panic(|| drop(Tensor::zeros([6], (Kind::Float, Device::Cpu)).view([4, 2])));
    let error = result.expect("no panic").expect_err("libtorch rejects it").to_string();
    assert!(error.starts_with("the state of `callback/Picky`: "), "{error}");
    assert!(error.contains("shape '[4, 2]' is invalid for input of size 6") && !error.contains('\n'), "{error}");
}

#[test]
fn an_error_while_saving_says_whose_state_it_is() {
    struct Broken;

    impl Stateful for Broken {
        fn save(&self) -> Result<State, StateError> {
            Err(StateError::other("the disk in my head is full"))
        }

        fn load(&mut self, _: &State) -> Result<(), StateError> {
            Ok(())
        }
    }

    #[callback(stateful)]
    impl Broken {
        fn on_train_end() {}
    }

    let mut learn = on(data(8, 0)).callback(Broken).build().expect("nothing is wrong with it");
    let error = learn.state().expect_err("it says so").to_string();
    assert_eq!(error, "the state of `callback/Broken`: the disk in my head is full");
}

#[test]
fn two_states_of_one_name_are_refused_when_the_learner_is_built() {
    let two = on(data(8, 0)).callback_named("count", Count::default()).callback_named("count", Picky::default());
    let error = two.build().err().expect("one name");
    assert!(matches!(&error, Error::Build(BuildError::CallbackName { name }) if name == "count"), "{error}");
    let two = on(data(8, 4)).metric_named("it", accuracy).metric_named("it", error_rate);
    let error = two.build().err().expect("one name");
    assert!(matches!(&error, Error::Build(BuildError::MetricName { name }) if name == "it"), "{error}");
    // Added later, they are refused before the next training, and can't be saved.
    let mut learn = on(data(8, 0)).build().expect("nothing is wrong with it");
    learn.callback_named("count", Count::default()).callback_named("count", Picky::default());
    let error = learn.state().expect_err("one name").to_string();
    assert_eq!(error, "two states are called `callback/count`: give one of them another name");
}

#[test]
fn what_was_loaded_survives_the_reset_that_the_guide_recommends() {
    let count = |learn: &Learner| learn.get::<Count>().expect("it was added").0;
    let mut learn = learner();
    learn.fit(3, 0.1).expect("it trains");
    assert_eq!(count(&learn), 6);
    let saved = learn.state().expect("it can be saved");
    let mut other = learner();
    other.load_state(&saved).expect("it fits");
    other.fit(1, 0.1).expect("it trains");
    assert_eq!(count(&other), 8, "it goes on");
    other.fit(1, 0.1).expect("it trains");
    assert_eq!(count(&other), 2, "the next training starts afresh");
}

#[test]
fn resumed_is_true_from_loading_to_the_first_epoch_after_it() {
    let log = Log::default();
    let writes = log.clone();
    let told = hook!(on_train_begin, move |epochs: usize, resumed: bool| writes.add(format!("{epochs} {resumed}")));
    let mut learn = on(data(8, 4)).callback(told).build().expect("nothing is wrong with it");
    let saved = learn.state().expect("it can be saved");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(log.take(), ["1 false"]);
    learn.load_state(&saved).expect("it fits");
    learn.validate().expect("there is validation data");
    learn.fit(0, 0.1).expect("no epoch is no mistake");
    learn.fit(2, 0.1).expect("it trains");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(log.take(), ["0 true", "2 true", "1 false"]);

    // What does not fit is not loaded.
    learn.load_state(&LearnerState::default()).expect_err("there is nothing in it");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(log.take(), ["1 false"]);

    // A training that failed before its first epoch has lost nothing.
    learn.load_state(&saved).expect("it fits");
    learn.callback(hook!(on_train_begin, || StopTraining::because("not yet")));
    learn.fit(1, 0.1).expect("a stop is no error");
    learn.fit(1, 0.1).expect("a stop is no error");
    assert_eq!(log.take(), ["1 true", "1 true"]);
}

#[test]
fn no_state_is_loaded_if_one_of_them_is_of_a_newer_version() {
    /// Writes down that it was asked to load.
    struct Loads(Log);

    impl Stateful for Loads {
        fn save(&self) -> Result<State, StateError> {
            Ok(State::new())
        }

        fn load(&mut self, _: &State) -> Result<(), StateError> {
            self.0.add("loaded");
            Ok(())
        }
    }

    #[callback(stateful)]
    impl Loads {
        fn on_train_end() {}
    }

    struct Newer;

    impl Stateful for Newer {
        fn version(&self) -> u32 {
            2
        }

        fn save(&self) -> Result<State, StateError> {
            Ok(State::new())
        }

        fn load(&mut self, _: &State) -> Result<(), StateError> {
            Ok(())
        }
    }

    let log = Log::default();
    let builder = on(data(8, 0)).callback(Loads(log.clone())).callback(Picky::default());
    let mut learn = builder.build().expect("nothing is wrong with it");
    let mut saved = learn.state().expect("it can be saved");
    saved.0.insert("callback/Picky".to_owned(), State::of(&Newer).expect("it can be saved"));
    let error = learn.load_state(&saved).expect_err("it is newer").to_string();
    let text = "the state of `callback/Picky`: the saved state is of version 2, and versions up to 1 can be loaded here: a newer \
                program has saved it";
    assert_eq!(error, text);
    assert_eq!(log.take(), [""; 0]);
}
