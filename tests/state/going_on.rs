//! A learner that gets the state and the weights of another one goes on as that one would: to the bit.
//!
//! The model here has dropout, which draws from libtorch's generator. The process has one, so these tests take turns.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mixup::{learner::LearnerState, model::Vars, prelude::*};
use tch::{Device, Kind, Tensor, nn};

use crate::support::{bits, series};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

const ITEMS: i64 = 20;

/// Each item is of a class of its own: shuffled batches of four, five in an epoch.
fn data() -> Data {
    let set = |items: i64| {
        let classes = Tensor::arange(items, (Kind::Int64, Device::Cpu));
        TensorDataset::new(series(items * 3, 0.37).reshape([items, 3]), classes).expect("as many")
    };
    Data::builder(set(ITEMS)).valid(set(6)).batch_size(4).build().expect("there are items")
}

/// `tch`'s layers, with dropout between them.
fn model(vars: &Vars<'_>) -> impl nn::ModuleT + use<> {
    tch::set_num_threads(1);
    let first = nn::linear(vars / "first", 3, 16, nn::LinearConfig::default());
    let second = nn::linear(vars / "second", 16, ITEMS, nn::LinearConfig::default());
    nn::seq_t().add(first).add_fn_t(|x, train| x.relu().dropout(0.5, train)).add(second)
}

/// Draws, and remembers the sum of all that it ever drew.
#[derive(Default)]
struct Sum {
    drawn: Tensor,
    batches: u64,
}

#[callback(state(drawn, batches))]
impl Sum {
    #[on(batch_begin, train)]
    fn draw(&mut self, rng: &mut Rng, last_input: &mut Input) -> Result<(), mixup::error::BoxError> {
        use mixup::rand::RngExt as _;

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

/// Trains four epochs at once, and two and two with another learner in between; and that is the same.
#[track_caller]
fn goes_on(build: impl Fn() -> Learner, between: impl Fn(&mut Learner)) -> Learner {
    let mut whole = build();
    whole.fit(4, 0.01).expect("it trains");
    let mut first = build();
    first.fit(2, 0.01).expect("it trains");
    between(&mut first);
    let saved = Saved::of(&mut first);
    let moments = first.opt_state().expect("copies");
    let mut second = build();
    saved.load_into(&mut second);
    second.load_opt_state(&moments).expect("the same optimizer");
    second.fit(2, 0.01).expect("it trains");
    assert_eq!(bits(&second), bits(&whole));
    assert!(
        second.state().expect("it can be saved").0["callback/Sum"]
            == whole.state().expect("it can be saved").0["callback/Sum"]
    );
    assert_eq!(second.position().epochs_before, 4);
    second
}

#[test]
fn two_epochs_and_two_with_another_learner_give_the_bits_of_four() {
    let _alone = alone();
    goes_on(|| learner(3), |_| {});
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
    for left_out in ["life", "callback/Sum"] {
        let mut second = learner(3);
        let fresh = second.state().expect("it can be saved");
        saved.load_into(&mut second);
        second.load_opt_state(&first.opt_state().expect("copies")).expect("the same optimizer");
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
    other_seed.load_opt_state(&first.opt_state().expect("copies")).expect("the same optimizer");
    other_seed.fit(2, 0.01).expect("it trains");
    assert_eq!(bits(&other_seed), bits(&whole));
}

#[test]
fn own_runs_go_on_as_well() {
    let _alone = alone();
    let predicted = |learn: &mut Learner| {
        learn.callback(hook!(on_loss_begin, |last_output: &mut Tensor, train: bool| if !train {
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
