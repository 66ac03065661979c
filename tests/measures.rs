//! The numbers that a training reports: the smoothed loss, and averages over the validation's items.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use std::f64::consts::LN_2;

use mixup::{model::Vars, prelude::*};
use support::{data, linear, on};
use tch::Tensor;

/// Prepared batches whose loss is known in advance: the mean of their targets, whatever the output of the model.
fn told(batches: &[&[f32]]) -> Vec<Batch> {
    let batch = |values: &&[f32]| {
        let input = support::series(i64::try_from(values.len()).expect("few") * 3, 0.3).reshape([-1, 3]);
        Batch { input: input.into(), target: Tensor::from_slice(values).into() }
    };
    batches.iter().map(batch).collect()
}

fn learner(train: &[&[f32]], valid: &[&[f32]]) -> mixup::learner::LearnerBuilder<support::Linear> {
    let data = Data::from_batches(told(train), told(valid)).expect("there are batches");
    on(data).loss(|output: &Tensor, target: &Target, reduction: Reduction| {
        reduction.of(&(output.sum_dim_intlist(1, false, None) * 0.0 + target.tensor()))
    })
}

const LOSSES: [&[f32]; 5] = [&[4.0], &[2.0], &[1.0], &[8.5], &[0.25]];

/// fastai v1's `SmoothenValue` (`fastai/callback.py`) in double precision: mean ← 0.98·mean + 0.02·loss from 0, divided by
/// 1 − 0.98ⁿ. These numbers were computed by another program.
const SMOOTH: [f64; 5] =
    [4.0, 2.989_898_989_898_984, 2.313_154_672_833_625, 3.907_048_448_162_501, 3.145_791_417_221_077];

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }
}

#[test]
fn the_smoothed_loss_is_fastais_and_continues_over_the_epochs() {
    struct Seen(Vec<f64>);

    #[callback]
    impl Seen {
        fn on_backward_begin(&mut self, smooth_loss: f64) {
            self.0.push(smooth_loss);
        }
    }

    let mut learn = learner(&LOSSES, &[]).callback(Seen(Vec::new())).build().expect("nothing is wrong with it");
    let report = learn.fit(1, 0.1).expect("it trains");
    assert_close(&learn.get::<Seen>().expect("it is there").0, &SMOOTH);
    assert_close(&[report.epochs[0].train_loss], &SMOOTH[4..]);

    let mut learn = learner(&LOSSES[..1], &[]).build().expect("nothing is wrong with it");
    let twice = learn.fit(2, 0.1).expect("it trains");
    assert_close(&twice.epochs.iter().map(|row| row.train_loss).collect::<Vec<_>>(), &[4.0, 4.0]);
}

#[test]
fn the_smoothed_loss_begins_anew_in_the_next_training() {
    let mut learn = learner(&LOSSES, &[]).build().expect("nothing is wrong with it");
    let first = learn.fit(1, 0.1).expect("it trains").epochs[0].train_loss;
    let second = learn.fit(1, 0.1).expect("it trains").epochs[0].train_loss;
    assert_eq!(first.to_bits(), second.to_bits());
}

#[test]
fn the_smoothed_loss_is_up_to_date_even_if_asked_for_only_at_the_end_of_a_batch() {
    struct Seen(Vec<f64>);

    #[callback]
    impl Seen {
        fn on_batch_end(&mut self, smooth_loss: f64, train: bool) {
            if train {
                self.0.push(smooth_loss);
            }
        }
    }

    let mut learn = learner(&LOSSES, &[&[1.0]]).callback(Seen(Vec::new())).build().expect("nothing is wrong with it");
    learn.fit(1, 0.1).expect("it trains");
    assert_close(&learn.get::<Seen>().expect("it is there").0, &SMOOTH);
}

#[test]
fn validation_weighs_each_batch_by_its_items() {
    // The means of the batches are 2.5 and 8.5; the mean of these would be 5.5.
    let valid: [&[f32]; 2] = [&[1.0, 2.0, 3.0, 4.0], &[5.0, 12.0]];
    let mean = |_: &Tensor, target: &Target| target.tensor().mean(tch::Kind::Float);
    let builder = learner(&LOSSES, &valid).metric_named("tensor", mean);
    let number = |_: &Tensor, target: &Target| target.tensor().double_value(&[0]);
    let mut learn = builder.metric_named("first", number).build().expect("nothing is wrong with it");
    let report = learn.fit(1, 0.1).expect("it trains");
    assert_close(&[report.epochs[0].valid_loss.expect("there is validation data")], &[4.5]);
    assert_close(&report.epochs[0].metrics, &[4.5, (4.0 * 1.0 + 2.0 * 5.0) / 6.0]);
    assert_eq!(report.metric("tensor"), Some(4.5));
    assert_eq!(report.metric("no such"), None);
    let validation = learn.validate().expect("there is validation data");
    assert_close(&[validation.loss], &[4.5]);
    assert_eq!(validation.to_string(), "valid_loss 4.500000, tensor 4.500000, first 2.333333");
}

/// Batch sizes around the powers of two, up to a large batch; the loss and the metric of batch k are k + 1.
#[test]
fn validation_weighs_batches_of_any_size_by_their_items() {
    let sizes = [1, 2, 31, 32, 63, 64, 65, 127, 128, 129, 256, 1000, 5];
    let batches: Vec<Vec<f32>> = sizes.iter().zip(1_u16..).map(|(&size, k)| vec![f32::from(k); size]).collect();
    let valid: Vec<&[f32]> = batches.iter().map(Vec::as_slice).collect();
    let mean = |_: &Tensor, target: &Target| target.tensor().mean(tch::Kind::Float);
    let mut learn = learner(&LOSSES, &valid).metric_named("mean", mean).build().expect("nothing is wrong with it");
    let validation = learn.validate().expect("there is validation data");
    let sum: f64 = sizes.iter().zip(1_u16..).map(|(&size, k)| f64::from(k) * size as f64).sum();
    let expected = sum / sizes.iter().sum::<usize>() as f64;
    assert_close(&[validation.loss, validation.metrics[0].1], &[expected; 2]);
}

#[test]
fn accuracy_on_an_uneven_last_batch_is_the_share_of_all_items() {
    // The model always predicts class 0. Three of five items are of that class, in batches of three and two.
    let classes = Tensor::from_slice(&[0_i64, 0, 0, 1, 1]);
    let set = || {
        let input = Tensor::ones([5, 3], (tch::Kind::Float, tch::Device::Cpu));
        TensorDataset::new(input, classes.shallow_clone()).expect("five and five")
    };
    let data = Data::builder(set()).valid(set()).batch_size(3).build().expect("there are items");
    let always = |vars: &Vars<'_>| linear(vars, 3, 1);
    let mut learn = Learner::builder(data, always)
        .loss(per_item(|output: &Tensor, _: &Target| output.squeeze_dim(1)))
        .metric_named("zero", |output: &Tensor, target: &Target| {
            accuracy(&Tensor::cat(&[output.ones_like(), output.zeros_like()], 1), target)
        })
        .quiet()
        .build()
        .expect("nothing is wrong with it");
    let validation = learn.validate().expect("there is validation data");
    assert!((validation.metrics[0].1 - 0.6).abs() < 1e-6, "{validation}");
}

#[test]
fn without_validation_there_is_no_validation_loss_and_the_metrics_are_nan() {
    struct Seen(Vec<(Option<f64>, Vec<f64>)>);

    #[callback]
    impl Seen {
        fn on_epoch_end(&mut self, valid_loss: Option<f64>, last_metrics: &[f64]) {
            self.0.push((valid_loss, last_metrics.to_vec()));
        }
    }

    let builder = on(data(8, 0)).metric(accuracy).metric(error_rate).callback(Seen(Vec::new()));
    let mut learn = builder.build().expect("nothing is wrong with it");
    let report = learn.fit(1, 0.1).expect("it trains");
    let (valid_loss, metrics) = learn.get::<Seen>().expect("it is there").0[0].clone();
    assert_eq!((valid_loss, report.epochs[0].valid_loss), (None, None));
    assert!(metrics.len() == 2 && metrics.iter().chain(&report.epochs[0].metrics).all(|metric| metric.is_nan()));
    for error in [learn.validate().err(), learn.predictions().err()] {
        let error = error.expect("there is nothing to validate on");
        assert!(matches!(error, Error::NoValidation { .. }), "{error}");
    }
}

#[test]
fn the_report_is_a_table_with_a_row_for_each_epoch() {
    let mut learn = learner(&LOSSES[..1], &[&[2.0]]).build().expect("nothing is wrong with it");
    let table = learn.fit(2, 0.1).expect("it trains").to_string();
    assert_eq!(
        table,
        "epoch     train_loss  valid_loss  time\n0         4.000000    2.000000    00:00\n1         4.000000    \
         2.000000    00:00"
    );
}

#[test]
fn the_report_is_that_of_the_last_training_even_after_a_validation() {
    struct Stop;

    #[callback]
    impl Stop {
        fn on_epoch_end(&mut self) -> StopTraining {
            StopTraining::because("one is enough")
        }
    }

    let mut learn = learner(&LOSSES, &[&[2.0]]).callback(Stop).build().expect("nothing is wrong with it");
    let report = learn.fit(5, 0.1).expect("it trains");
    learn.validate().expect("there is validation data");
    learn.predictions().expect("there is validation data");
    assert_eq!(learn.report(), report);
    assert!(matches!(report.outcome, Outcome::Stopped { .. }));
}

#[test]
fn validation_is_never_mixed() {
    struct Untouched(Vec<bool>);

    #[callback(order = 10)]
    impl Untouched {
        fn on_batch_begin(&mut self, last_target: &Target, train: bool) {
            assert_eq!(last_target.is_mixed(), train);
            self.0.push(train);
        }
    }

    let plain = on(data(8, 6)).metric(accuracy).build().expect("nothing is wrong with it").validate();
    let mut learn = on(data(8, 6)).metric(accuracy).mixup().build().expect("nothing is wrong with it");
    learn.callback(Untouched(Vec::new()));
    assert_eq!(learn.validate().expect("there is validation data"), plain.expect("there is validation data"));
    // With a learning rate of 0, the model does not change.
    let report = learn.fit(1, 0.0).expect("it trains");
    assert_eq!(report.epochs[0].valid_loss, Some(learn.validate().expect("there is validation data").loss));
    assert!(learn.get::<Untouched>().expect("it is there").0.contains(&true));
}

#[test]
fn the_loss_of_a_model_that_knows_nothing_is_the_logarithm_of_the_number_of_classes() {
    let mut learn = on(data(8, 6)).build().expect("nothing is wrong with it");
    tch::no_grad(|| learn.params().iter().for_each(|(_, tensor)| drop(tensor.shallow_clone().zero_())));
    assert!((learn.validate().expect("there is validation data").loss - LN_2).abs() < 1e-6);
}
