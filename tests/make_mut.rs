//! Changes in place by a user's callback: they never reach the data, and copy only what is not the step's own.

mod numbers;
mod support;

use mixup::{batch::MakeMutError, callback::Hook, prelude::*};
use numbers::f64s;
use support::{linear, series};
use tch::Tensor;

/// Doubles inputs and targets in place, in a hook, and notes whether their memory stayed the same.
struct Double {
    hook: Hook,
    stayed: Vec<bool>,
}

impl Double {
    fn double(&mut self, hook: Hook, input: &mut Input, target: &mut Target) -> Result<(), BoxError> {
        if hook == self.hook {
            let places = || [input.one().map(Tensor::data_ptr), Ok(target.tensor().data_ptr())];
            let before = places();
            let _ = input.make_mut()?.f_mul_scalar_(2.0)?;
            let _ = target.make_mut()?.f_mul_scalar_(2.0)?;
            let after = [input.one().map(Tensor::data_ptr), Ok(target.tensor().data_ptr())];
            self.stayed.extend(before.iter().zip(&after).map(|(before, after)| before == after));
        }
        Ok(())
    }
}

#[callback]
impl Double {
    #[on(batch_begin, train)]
    fn first(&mut self, last_input: &mut Input, last_target: &mut Target) -> Result<(), BoxError> {
        self.double(Hook::BatchBegin, last_input, last_target)
    }

    #[on(loss_begin, train)]
    fn then(&mut self, last_input: &mut Input, last_target: &mut Target) -> Result<(), BoxError> {
        self.double(Hook::LossBegin, last_input, last_target)
    }

    #[on(batch_end, train)]
    fn last(&mut self, last_input: &mut Input, last_target: &mut Target) -> Result<(), BoxError> {
        self.double(Hook::BatchEnd, last_input, last_target)
    }
}

/// Notes the inputs and targets that it finds.
#[derive(Default)]
struct Found(Vec<[Vec<f64>; 2]>);

#[callback]
impl Found {
    #[on(batch_begin, train)]
    fn find(&mut self, last_input: &Input, last_target: &Target) -> Result<(), BoxError> {
        self.0.push([f64s(last_input.one()?), f64s(last_target.tensor())]);
        Ok(())
    }
}

fn tensors() -> (Tensor, Tensor) {
    (series(24, 0.1).reshape([8, 3]), series(16, 0.2).reshape([8, 2]))
}

fn prepared() -> Data {
    let (x, y) = tensors();
    let batch = |at| Batch { input: x.narrow(0, at, 4).into(), target: y.narrow(0, at, 4).into() };
    Data::from_batches(vec![batch(0), batch(4)], Vec::new()).expect("two batches")
}

/// A learner that doubles in these hooks, one callback for each; before them all one that notes what it finds.
fn learner(data: Data, hooks: &[Hook]) -> Learner {
    let builder = Learner::builder(data, |vars| linear(vars, 3, 2)).loss(Mse).quiet().callback(Found::default());
    let double = |builder: mixup::learner::LearnerBuilder<support::Linear>, (number, hook): (usize, &Hook)| {
        builder.callback_named(format!("double {number}"), Double { hook: *hook, stayed: Vec::new() })
    };
    hooks.iter().enumerate().fold(builder, double).build().expect("nothing is wrong with it")
}

fn stayed(learn: &Learner, number: usize) -> Vec<bool> {
    learn.get_named::<Double>(&format!("double {number}")).expect("it was added").stayed.clone()
}

#[test]
fn a_batch_made_for_its_step_is_changed_without_a_copy_and_the_data_stays_as_it_was() {
    let (x, y) = tensors();
    let before = [f64s(&x), f64s(&y)];
    let train = TensorDataset::new(x.shallow_clone(), y.shallow_clone()).expect("as many");
    let mut learn = learner(Data::builder(train).batch_size(4).build().expect("two batches"), &[Hook::BatchBegin; 2]);
    learn.fit(2, 0.01).expect("it trains");
    for number in 0..2 {
        assert_eq!(stayed(&learn, number), [true; 8]);
    }
    assert_eq!([f64s(&x), f64s(&y)], before);
}

#[test]
fn a_prepared_batch_is_copied_once_and_is_unchanged_in_the_next_epoch() {
    let mut learn = learner(prepared(), &[Hook::BatchBegin; 2]);
    learn.fit(2, 0.01).expect("it trains");
    assert_eq!(stayed(&learn, 0), [false; 8]);
    assert_eq!(stayed(&learn, 1), [true; 8], "the copy is the step's own");
    let found = &learn.get::<Found>().expect("it was added").0;
    assert_eq!(found[..2], found[2..]);
}

/// The backward pass may need the batch as the model has seen it.
#[test]
fn a_batch_that_the_model_has_seen_is_copied() {
    for hook in [Hook::LossBegin, Hook::BatchEnd] {
        let (x, y) = tensors();
        let train = TensorDataset::new(x, y).expect("as many");
        let mut learn = learner(Data::builder(train).batch_size(4).build().expect("two batches"), &[hook]);
        learn.fit(2, 0.01).expect("the gradients are of the numbers that the model got");
        assert_eq!(stayed(&learn, 0), [false; 8], "{hook:?}");
    }
}

#[test]
fn a_validation_between_two_batches_does_not_make_the_data_fresh() {
    let (x, y) = tensors();
    let before = [f64s(&x), f64s(&y)];
    let batch = |at| Batch { input: x.narrow(0, at, 4).into(), target: y.narrow(0, at, 4).into() };
    let valid = Data::from_batches(vec![batch(0), batch(4)], vec![batch(0)]).expect("three batches");
    let mut learn = learner(valid, &[Hook::BatchBegin, Hook::BatchEnd]);
    learn.callback(hook!(on_batch_end, train, || Validate));
    learn.fit(2, 0.01).expect("it trains");
    assert_eq!([f64s(&x), f64s(&y)], before);
}

#[test]
fn outside_of_a_training_everything_is_copied() {
    let (x, _) = tensors();
    let (before, mut input) = (f64s(&x), Input::from(x.shallow_clone()));
    let _ = input.make_mut().expect("one tensor").fill_(7.0);
    assert_eq!(f64s(&x), before);
    assert_eq!(f64s(input.one().expect("one tensor")), vec![7.0; 24]);
}

#[test]
fn what_is_not_one_tensor_says_how_it_is_changed() {
    let two = || vec![series(4, 0.1), series(4, 0.2)];
    let mut input = Input::from(two());
    let error = input.make_mut().expect_err("two tensors");
    assert!(matches!(error, MakeMutError::SeveralInputs { tensors: 2 }));
    assert_eq!(
        error.to_string(),
        "the input has 2 tensors: match on `Input::Tensors`, and call `batch::make_mut` on the one to change"
    );
    let (first, second, weight) = (series(4, 0.1), series(4, 0.2), series(4, 0.3));
    let mut stacked = Input::Stacked { first, second, weight };
    let mixed = "is mixed already: run before the callback that mixes, as with `#[callback(before = MixUp)]`";
    assert_eq!(stacked.make_mut().expect_err("a triple").to_string(), format!("the input {mixed}"));
    let dense = |tensor: Tensor| Target::Dense(tensor);
    let mut several = Target::several(two().into_iter().map(dense)).expect("as many items");
    let replace = "the target has 2 parts: replace it with a new `Target::several`";
    assert_eq!(several.make_mut().expect_err("two targets").to_string(), replace);
    let (first, second) = (Box::new(dense(series(4, 0.1))), Box::new(dense(series(4, 0.2))));
    let mut target = Target::Mixed { first, second, weight: series(4, 0.3) };
    assert_eq!(target.make_mut().expect_err("a mixed one").to_string(), format!("the target {mixed}"));
}
