//! Callbacks that a step would ignore are rejected before the run.

use mixup::{prelude::*, training::BuildError};

use super::{
    Duel, Plain, duel,
    support::{data, on},
};

fn rejected(callback: impl mixup::callback::Callback) -> String {
    duel(Duel).callback(callback).build().err().expect("the step ignores it").to_string()
}

#[test]
fn mixup_is_rejected_by_a_step_that_does_not_use_the_loss_function() {
    assert_eq!(
        rejected(MixUp::default()),
        "the callback `MixUp` changes `loss_func` in `on_train_begin`, and the step `Duel` does not use it: leave the callback out, \
         restrict the method to `valid`, or have the step use it (`Uses::LossFunc`)"
    );
    on(data(8, 0)).step(Plain).mixup().build().expect("this step uses it");
}

struct ReadsOutput;

#[callback]
impl ReadsOutput {
    fn on_batch_end(last_output: &tch::Tensor) {
        let _ = last_output;
    }
}

struct AfterForward;

#[callback]
impl AfterForward {
    fn on_loss_begin() {}
}

struct InValidation;

#[callback]
impl InValidation {
    #[on(loss_begin, valid)]
    fn look(last_output: &mut tch::Tensor) {
        let _ = last_output;
    }

    fn on_validate_begin(loss_func: &mut LossFunc) {
        let _ = loss_func;
    }
}

#[test]
fn a_callback_that_asks_for_an_output_that_the_step_does_not_make_is_rejected() {
    assert_eq!(
        rejected(ReadsOutput),
        "the callback `ReadsOutput` asks for `last_output` in `on_batch_end`, and the step `Duel` does not use it: leave the callback \
         out, restrict the method to `valid`, or have the step use it (`Uses::Output`)"
    );
    assert!(
        rejected(AfterForward).starts_with("the callback `AfterForward` asks for `last_output` in `on_loss_begin`")
    );
}

#[test]
fn a_callback_that_only_acts_in_validation_fits_every_step() {
    duel(Duel).callback(InValidation).build().expect("validation is the learner's own");
}

/// Publishes under the name of a metric.
struct Boastful;

impl TrainStep for Boastful {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        Duel.step(now)
    }

    fn values(&self) -> Vec<String> {
        vec!["accuracy".to_owned()]
    }
}

struct AlsoPublishes;

#[callback]
impl AlsoPublishes {
    fn on_batch_end(weight_loss: &mut Value) {
        weight_loss.set(0.0);
    }
}

#[test]
fn two_publishers_of_one_name_are_rejected() {
    let error = duel(Boastful).metric(accuracy).build().err().expect("a metric has the name");
    assert_eq!(
        error.to_string(),
        "`Boastful` publishes `accuracy`, which is a value already: publish it under another name"
    );
    let error = duel(Duel).callback(AlsoPublishes).build().err().expect("the step publishes it");
    let Error::Build(BuildError::ValueTwice { name, first, second }) = error else { panic!("{error}") };
    assert_eq!((name.as_str(), first.as_str(), second.as_str()), ("weight_loss", "Duel", "AlsoPublishes"));
}
