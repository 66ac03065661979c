//! Several optimizers: what each changes, with which settings, and what is saved of them.

use mixup::{callback::Hook, prelude::*};
use tch::{Tensor, nn, nn::LinearConfig};

use super::{
    Duel, duel,
    support::{Log, bits, data, numbers, on},
};

/// The weights and the biases.
fn parts(learn: &Learner) -> (Vec<f32>, Vec<f32>) {
    let mut weight = numbers(learn);
    let bias = weight.split_off(6);
    (weight, bias)
}

#[test]
fn each_optimizer_changes_its_group_as_if_it_were_alone() {
    // With the learner's own step, both get the gradients of one loss.
    let build = || on(data(8, 0)).group("weight", |name, _| name == "weight").group("bias", |name, _| name == "bias");
    let mut both = build().optimizer_for("weight", Sgd::default()).optimizer_for("bias", Adam::default()).build();
    let both = both.as_mut().expect("two groups");
    assert!(both.values().iter().all(|value| !value.name().ends_with("weight_loss")), "there is one loss for both");
    // One step for each: after that, the parameters of the other would matter.
    let one_batch = |learn: &mut Learner| {
        learn.callback(StopAfterOne);
        learn.fit(1, 0.1).expect("it trains");
        parts(learn)
    };
    let (weight, bias) = one_batch(both);
    let (by_sgd, _) = one_batch(&mut build().optimizer(Sgd::default()).build().expect("two groups"));
    let (_, by_adam) = one_batch(&mut build().optimizer(Adam::default()).build().expect("two groups"));
    assert_eq!(weight, by_sgd);
    assert_eq!(bias, by_adam);
}

struct StopAfterOne;

#[callback]
impl StopAfterOne {
    fn on_batch_end() -> StopTraining {
        StopTraining::because("one batch is enough")
    }
}

/// Notes which gradients there are when an optimizer is about to step.
struct WhichGradients(Log);

#[callback]
impl WhichGradients {
    fn on_backward_end(&self, gradients: &Gradients, params: &Params) {
        let trained = params.as_slice().iter().filter(|param| !param.is_frozen()).count();
        let names: Vec<_> = gradients.iter().map(|(name, _)| name).collect();
        self.0.add(format!("{} of {trained}", names.join(", ")));
    }
}

#[test]
fn a_loss_gives_gradients_to_the_parameters_of_its_optimizer_alone() {
    let log = Log::default();
    let mut learn = duel(Duel).callback(WhichGradients(log.clone())).build().expect("two groups");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(log.take(), ["weight of 2", "bias of 2", "weight of 2", "bias of 2"]);
}

/// Keeps the gradients of the first optimizer, so that they add up over the batches.
struct KeepFirst {
    log: Log,
    losses: usize,
}

#[callback]
impl KeepFirst {
    fn on_step_end(&mut self, params: &Params) -> Option<KeepGradients> {
        let grad = params.as_slice()[0].tensor().grad();
        self.log.add(if grad.defined() {
            format!("{:.4}", grad.abs().sum(None).double_value(&[]))
        } else {
            "none".to_owned()
        });
        self.losses += 1;
        (self.losses % 2 == 1).then_some(KeepGradients)
    }
}

#[test]
fn gradients_that_one_optimizer_keeps_are_left_alone_by_the_other() {
    let log = Log::default();
    let callback = KeepFirst { log: log.clone(), losses: 0 };
    let mut learn = duel(Duel).callback(callback).build().expect("two groups");
    learn.fit(1, 0.0).expect("it trains");
    let seen: Vec<f64> = log.take().iter().map(|line| line.parse().expect("a number")).collect();
    assert!((seen[0] - seen[1]).abs() < 1e-9, "the second loss has left it alone: {seen:?}");
    assert!(seen[2] > seen[0] + 1e-3 && (seen[2] - seen[3]).abs() < 1e-9, "the second batch has added to it: {seen:?}");
}

#[test]
fn a_frozen_group_stays_frozen_after_the_loss_of_another() {
    let mut learn = duel(Duel).build().expect("two groups");
    learn.freeze("bias").expect("a group");
    let (weight, bias) = parts(&learn);
    learn.fit(1, 0.1).expect("the second loss changes nothing");
    assert!(learn.params().group("bias").expect("a group").all(mixup::model::Param::is_frozen));
    let after = parts(&learn);
    assert_ne!(after.0, weight);
    assert_eq!(after.1, bias);
}

/// Sets the rate of one optimizer by its group, and notes the rates.
struct Schedule(Log);

#[callback]
impl Schedule {
    fn on_epoch_begin(&self, opt: &mut Optimizers, epoch: usize) -> Result<(), GroupError> {
        if epoch == 1 {
            opt.hyper_mut("weight")?.lr = 0.0;
        }
        let names: Vec<_> = opt.names().map(str::to_owned).collect();
        self.0.add(format!("{}: {:?}", names.join(", "), opt.hypers().lrs()));
        Ok(())
    }
}

#[test]
fn a_schedule_sets_the_rate_of_one_optimizer_by_its_group() {
    let log = Log::default();
    let mut learn =
        duel(Duel).callback(Schedule(log.clone())).callback(ValuesPerEpoch(log.clone())).build().expect("two groups");
    learn.fit(2, Lr::each([0.1, 0.2])).expect("it trains");
    let lines = log.take();
    assert_eq!(lines[0], "weight, bias: [0.1, 0.2]");
    assert_eq!(lines[2], "weight, bias: [0.0, 0.2]");
    assert_ne!(lines[1], lines[3]);
    assert_eq!(lines[1].split(';').next(), lines[3].split(';').next(), "the weights stayed: {lines:?}");
}

/// Notes the weights and the biases at the end of each epoch.
struct ValuesPerEpoch(Log);

#[callback]
impl ValuesPerEpoch {
    fn on_epoch_end(&self, params: &Params) {
        let sum = |tensor: &Tensor| format!("{:.7}", tensor.abs().sum(None).double_value(&[]));
        let sums: Vec<_> = params.iter().map(|(_, tensor)| sum(tensor)).collect();
        self.0.add(sums.join(";"));
    }
}

#[test]
fn losses_are_published_under_the_names_of_the_optimizers() {
    let log = Log::default();
    let mut learn = duel(Duel).callback(Reads(log.clone())).build().expect("two groups");
    let report = learn.fit(1, 0.0).expect("it trains");
    assert_eq!(report.value_names, ["weight_loss", "bias_loss"]);
    let values = &report.epochs[0].values;
    let lines = log.take();
    let read: Vec<(f64, f64)> = lines
        .iter()
        .map(|line| line.split_once(' ').expect("two numbers"))
        .map(|(first, second)| (first.parse().expect("a number"), second.parse().expect("a number")))
        .collect();
    assert_eq!(read.len(), 2);
    let mean = |of: fn(&(f64, f64)) -> f64| read.iter().map(of).sum::<f64>() / 2.0;
    assert!((values[0] - mean(|losses| losses.0)).abs() < 1e-6 && (values[1] - mean(|losses| losses.1)).abs() < 1e-6);
    // With a rate of zero, the second loss is the square of the first.
    assert!(read.iter().all(|(first, second)| (first * first - second).abs() < 1e-6), "{read:?}");
}

struct Reads(Log);

#[callback]
impl Reads {
    fn on_batch_end(&self, weight_loss: &Value, bias_loss: &Value) -> Result<(), ReadError> {
        let (first, second) = (weight_loss.read()?.unwrap_or(f64::NAN), bias_loss.read()?.unwrap_or(f64::NAN));
        self.0.add(format!("{first} {second}"));
        Ok(())
    }
}

#[test]
fn a_learner_that_goes_on_from_a_state_trains_to_the_bit_as_one_that_never_stopped() {
    let build = || duel(Duel).build().expect("two groups");
    let mut whole = build();
    whole.fit(2, 0.05).expect("it trains");
    let mut first = build();
    first.fit(1, 0.05).expect("it trains");
    let mut second = build();
    tch::no_grad(|| {
        for ((_, to), (_, from)) in second.params().iter().zip(first.params().iter()) {
            to.shallow_clone().copy_(from);
        }
    });
    second.load_state(&first.state().expect("it has one")).expect("the same optimizers");
    second.fit(1, 0.05).expect("it trains");
    assert_eq!(bits(&second), bits(&whole));
}

#[test]
fn parameters_under_a_path_are_a_group_if_their_optimizer_has_its_name() {
    let learner = || {
        let layer = |path: nn::Path<'_>, inputs, outputs| nn::linear(path, inputs, outputs, LinearConfig::default());
        Learner::builder(data(8, 0), move |vs| nn::seq().add(layer(vs / "one", 3, 4)).add(layer(vs / "two", 4, 2)))
            .quiet()
    };
    let learn = learner().optimizer_for("two", Sgd::default()).optimizer(RmsProp::default()).build().expect("a path");
    assert_eq!(learn.params().groups(), ["two", "default"]);
    assert_eq!(
        learn.opt().describe(),
        "two: Sgd(momentum 0, weight decay 0), default: RmsProp(alpha 0.99, eps 1e-8, momentum 0, weight decay 0)"
    );
    let error = learner().optimizer_for("three", Sgd::default()).build().err().expect("no such path");
    assert!(error.to_string().starts_with("the group `three` matches no parameter: the parameters are"), "{error}");
    let twice = learner().optimizer_for("two", Sgd::default()).optimizer_for("two", Adam::default()).build();
    assert_eq!(
        twice.err().expect("two for one").to_string(),
        "two optimizers were given for `two`: keep one `optimizer_for(\"two\", …)`"
    );
}

#[test]
fn the_listing_shows_the_step_its_values_and_who_reads_them() {
    let learn = duel(Duel).callback(Reads(Log::default())).build().expect("two groups");
    let listing = learn.training_loop().to_string();
    assert!(listing.contains("        the step of Duel:\n            for each loss that it optimizes:\n"), "{listing}");
    assert!(listing.contains("weight_loss: published by Duel, read by Reads"), "{listing}");
    assert!(!listing.contains("model(input)\n        on_backward"), "{listing}");
    let rare = |hook: &Hook| hook.is_always() || *hook == Hook::ValidateTally; // shown for those that have them
    let of_training = |hook: &&Hook| !rare(hook) && !hook.name().starts_with("on_predict_");
    assert!(Hook::ALL.iter().filter(of_training).all(|hook| listing.contains(hook.name())), "{listing}");
}
