//! Predictions: one for every item, in the data's order, after the activation of the loss function.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod numbers;
mod support;

use mixup::{callback::Hook, callbacks::mixing::MixUpLoss, error::BoxError, loss::LossError, prelude::*};
use numbers::f64s;
use support::{
    bits, data,
    fuse::{Fuse, Place, Saboteur, Trouble},
    items, linear, on, series,
};
use tch::{Kind, Tensor};

/// Seven validation items in batches of four, and shuffled training data.
fn with_targets(targets: impl Fn(i64) -> Target, outputs: i64, loss: impl Loss) -> Learner {
    let set = |n| TensorDataset::new(series(n * 3, 0.37).reshape([n, 3]), targets(n)).expect("as many");
    let data = Data::builder(set(8)).valid(set(7)).batch_size(4).build().expect("there are items");
    let builder = Learner::builder(data, move |vars| linear(vars, 3, outputs)).loss(loss).quiet();
    builder.build().expect("nothing is wrong with it")
}

/// The outputs of the model for the seven items, computed from its parameters.
fn raw(learn: &Learner) -> Tensor {
    let params: Vec<_> = learn.params().iter().map(|(_, tensor)| tensor.detach()).collect();
    series(21, 0.37).reshape([7, 3]).matmul(&params[0]) + &params[1]
}

fn assert_close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.size(), expected.size());
    let difference = (found - expected).abs().max().double_value(&[]);
    assert!(difference < 1e-6, "{difference}");
}

fn classes(n: i64) -> Target {
    Tensor::arange(n, (Kind::Int64, tch::Device::Cpu)).remainder(2).into()
}

fn values(n: i64, of_each: i64) -> Target {
    let values = series(n * of_each, 0.21).abs();
    if of_each == 0 { series(n, 0.21).into() } else { values.reshape([n, of_each]).into() }
}

#[test]
fn cross_entropy_predicts_with_softmax() {
    let mut learn = with_targets(classes, 2, CrossEntropy::default());
    let (found, raw) = (learn.predictions().expect("there is validation data"), raw(&learn));
    assert_close(&found.outputs, &raw.softmax(1, Kind::Float));
    let own = raw.log_softmax(1, Kind::Float).gather(1, &classes(7).tensor().unsqueeze(1), false).squeeze_dim(1).neg();
    assert_close(found.losses.as_ref().expect("the data has targets"), &own);
    assert_eq!(found.targets.as_ref().expect("the data has targets").tensor(), classes(7).tensor());
}

#[test]
fn a_loss_that_takes_mixed_targets_predicts_as_the_one_in_it() {
    let wrapped = MixUpLoss::new(LossFunc::new(CrossEntropy::default()));
    let mut plain = with_targets(classes, 2, CrossEntropy::default());
    let mut mixed = with_targets(classes, 2, wrapped);
    let (plain, mixed) = (plain.predictions().expect("it predicts"), mixed.predictions().expect("it predicts"));
    assert_eq!(mixed.losses.as_ref().expect("the data has targets").size(), [7]);
    assert_eq!((mixed.outputs, mixed.losses), (plain.outputs, plain.losses));
}

#[test]
fn negative_log_likelihood_predicts_with_the_exponential() {
    let mut learn = with_targets(classes, 2, Nll::default());
    let (found, raw) = (learn.predictions().expect("there is validation data"), raw(&learn));
    assert_close(&found.outputs, &raw.exp());
    assert_close(
        found.losses.as_ref().expect("the data has targets"),
        &raw.gather(1, &classes(7).tensor().unsqueeze(1), false).squeeze_dim(1).neg(),
    );
}

#[test]
fn binary_cross_entropy_predicts_with_the_sigmoid_and_one_loss_for_each_item() {
    let mut learn = with_targets(|n| values(n, 2), 2, BceWithLogits::default());
    let (found, raw) = (learn.predictions().expect("there is validation data"), raw(&learn));
    let (probability, target) = (raw.sigmoid(), values(7, 2));
    assert_close(&found.outputs, &probability);
    let target = target.tensor();
    let losses = -(target * probability.log() + (target.neg() + 1.0) * (probability.neg() + 1.0).log());
    assert_close(found.losses.as_ref().expect("the data has targets"), &losses.mean_dim(1, false, Kind::Float));
    assert_eq!(found.targets.as_ref().expect("the data has targets").tensor(), target);
}

#[test]
fn the_squared_error_and_users_losses_predict_the_output_of_the_model() {
    let own = |output: &Tensor, target: &Target| -> Result<Tensor, BoxError> {
        Ok(output.f_sub(target.tensor())?.f_square()?)
    };
    let closure = move |output: &Tensor, target: &Target, reduction: Reduction| -> Result<Tensor, BoxError> {
        Ok(reduction.of(&own(output, target)?)?)
    };
    let learners = [
        with_targets(|n| values(n, 2), 2, Mse),
        with_targets(|n| values(n, 2), 2, per_item(own)),
        with_targets(|n| values(n, 2), 2, closure),
    ];
    for mut learn in learners {
        let (found, raw) = (learn.predictions().expect("there is validation data"), raw(&learn));
        assert_close(&found.outputs, &raw);
        let squares = (raw - values(7, 2).tensor()).square();
        assert_close(found.losses.as_ref().expect("the data has targets"), &squares.mean_dim(1, false, Kind::Float));
    }
}

#[test]
fn the_mean_of_their_losses_is_the_validation_loss() {
    let mut learn = with_targets(classes, 2, CrossEntropy::default());
    let mean = learn
        .predictions()
        .expect("there is validation data")
        .losses
        .expect("the data has targets")
        .mean(Kind::Double)
        .double_value(&[]);
    assert!((mean - learn.validate().expect("there is validation data").loss).abs() < 1e-6);
}

#[test]
fn every_item_gets_a_prediction_even_if_a_callback_skips_its_batch() {
    struct Skip;

    #[callback]
    impl Skip {
        fn on_batch_begin(&mut self) -> SkipBatch {
            SkipBatch
        }
    }

    let mut learn = with_targets(classes, 2, CrossEntropy::default());
    learn.callback(Skip);
    assert_eq!(learn.predictions().expect("there is validation data").outputs.size(), [7, 2]);
}

#[test]
fn predictions_compute_no_gradients_and_keep_no_graph() {
    let mut learn = with_targets(classes, 2, CrossEntropy::default());
    let found = learn.predictions().expect("there is validation data");
    assert!(!found.outputs.requires_grad() && !found.losses.as_ref().expect("the data has targets").requires_grad());
}

#[test]
fn training_with_mixup_after_predictions_equals_training_alone() {
    let build = || on(data(8, 7)).mixup().seed(3).build().expect("nothing is wrong with it");
    let (mut asked, mut not) = (build(), build());
    asked.predictions().expect("there is validation data");
    asked.fit(2, 0.1).expect("it trains");
    not.fit(2, 0.1).expect("it trains");
    assert_eq!(bits(&asked), bits(&not));
}

#[test]
fn mixup_may_be_added_after_predictions() {
    let mut learn = on(data(8, 7)).build().expect("nothing is wrong with it");
    let before = learn.predictions().expect("there is validation data");
    learn.mixup();
    let again = learn.predictions().expect("there is validation data");
    assert_eq!((before.outputs, before.losses), (again.outputs, again.losses));
    learn.fit(1, 0.1).expect("it trains");
}

#[test]
fn predictions_have_their_activation_after_a_cancelled_training_with_mixup() {
    let fuse = Fuse::default();
    let builder = on(data(8, 7)).mixup().callback(Saboteur(fuse.clone()));
    let mut learn = builder.build().expect("nothing is wrong with it");
    fuse.set(Place::Hook(Hook::BackwardEnd), Trouble::Error, 1);
    learn.fit(1, 0.1).expect_err("it is broken off");
    let found = learn.predictions().expect("there is validation data");
    assert_close(&found.outputs, &raw(&learn).softmax(1, Kind::Float));
    assert!(matches!(found.targets, Some(Target::Classes(_))));
    assert_eq!(learn.loss_func().name(), "CrossEntropy");
}

#[test]
fn a_stop_leaves_no_validation_and_the_error_says_who_stopped() {
    struct Stop;

    #[callback]
    impl Stop {
        fn on_batch_end(&mut self) -> StopTraining {
            StopTraining::because("not now")
        }
    }

    let mut learn = on(data(8, 7)).callback(Stop).build().expect("nothing is wrong with it");
    let error = learn.validate().expect_err("it was stopped");
    assert_eq!(
        error.to_string(),
        "the validation has no result: the run was stopped by `Stop` in `on_batch_end`: not now"
    );
}

#[test]
fn a_loss_closure_that_ignores_the_reduction_is_refused_at_the_first_batch() {
    let mean = |output: &Tensor, target: &Target, _: Reduction| output.cross_entropy_for_logits(target.tensor());
    let mut learn = on(data(8, 7)).loss(mean).build().expect("nothing is wrong with it");
    let error = learn.fit(1, 0.1).expect_err("there is one loss for four items");
    let Error::Loss { source, .. } = &error else { panic!("{error}") };
    let told =
        matches!(source.downcast_ref(), Some(LossError::IgnoresReduction { got, items: 4, .. }) if got.is_empty());
    assert!(told, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("epoch 0, training batch 0") && text.contains("per_item(") && text.contains("of_batch("),
        "{text}"
    );
}

#[test]
fn a_loss_of_the_whole_batch_trains_and_predicts_without_losses_of_the_items() {
    let mean = |output: &Tensor, target: &Target| output.cross_entropy_for_logits(target.tensor());
    let mut learn = on(data(8, 7)).loss(of_batch(mean)).build().expect("nothing is wrong with it");
    let mut reference = on(data(8, 7)).build().expect("nothing is wrong with it");
    let report = learn.fit(2, 0.1).expect("it trains");
    let same = reference.fit(2, 0.1).expect("it trains");
    assert_eq!(report.epochs[1].train_loss.to_bits(), same.epochs[1].train_loss.to_bits());
    let (found, wanted) = (
        learn.predictions().expect("there is validation data"),
        reference.predictions().expect("there is validation data"),
    );
    assert_eq!(found.outputs.size(), wanted.outputs.size());
    assert_eq!(found.losses.as_ref().expect("the data has targets").size(), [7]);
    assert!(f64s(found.losses.as_ref().expect("the data has targets")).iter().all(|loss| loss.is_nan()));
}

#[test]
fn predictions_are_in_the_order_of_the_data() {
    let data = Data::builder(items(64)).valid(items(64)).batch_size(5).valid_batch_size(9).build();
    let mut learn = on(data.expect("there are items")).build().expect("nothing is wrong with it");
    learn.fit(1, 0.1).expect("it trains");
    let found = learn.predictions().expect("there is validation data").targets.expect("the data has targets");
    let expected: Vec<i64> = (0..64).map(|item| item % 2).collect();
    assert_eq!(Vec::<i64>::try_from(found.tensor()).expect("indices"), expected);
}

#[test]
fn predictions_have_no_targets_and_no_losses_if_a_callback_changes_targets_in_validation() {
    #[callback(on_batch_begin)]
    fn zero(last_target: &mut Target) {
        *last_target = last_target.tensor().zeros_like().into();
    }

    struct InTraining;

    #[callback]
    impl InTraining {
        #[on(batch_begin, train)]
        fn zero(last_target: &mut Target) {
            *last_target = last_target.tensor().zeros_like().into();
        }
    }

    let mut plain = on(data(8, 7)).build().expect("nothing is wrong with it");
    let want = plain.predictions().expect("there is validation data");
    let mut changed = on(data(8, 7)).callback(zero).build().expect("nothing is wrong with it");
    let found = changed.predictions().expect("the outputs are the same");
    assert_eq!(found.outputs, want.outputs);
    assert!(found.targets.is_none() && found.losses.is_none());
    let mut trained = on(data(8, 7)).callback(InTraining).build().expect("nothing is wrong with it");
    let found = trained.predictions().expect("there is validation data");
    assert_eq!(found.losses.expect("the targets are the data's"), want.losses.expect("the data has targets"));
}
