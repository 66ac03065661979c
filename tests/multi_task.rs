//! Several targets for each item, and the loss function with a loss for each of them.
#![allow(clippy::cast_precision_loss, reason = "small counts become numbers")]

use mixup::{
    batch::{Several, TargetError},
    loss::LossError,
    metrics::MetricError,
    prelude::*,
};
use tch::{Device, Kind, Tensor};

mod numbers;
use numbers::{assert_close, classes, f64s, random};

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

fn labels(n: i64, seed: u64) -> Target {
    classes(&[n], 3, seed).into()
}

fn values(n: i64, seed: u64) -> Target {
    random(&[n], Kind::Double, seed).into()
}

fn both(n: i64, seed: u64) -> Target {
    Target::several([labels(n, seed), values(n, seed)]).expect("as many of each")
}

fn parts(target: &Target) -> &[Target] {
    let Target::Several(several) = target else { panic!("{target}") };
    several.targets()
}

/// An output of three scores and one number.
fn loss() -> MultiTask {
    let tasks = MultiTask::new().task(0..3, 1.0, CrossEntropy::default());
    tasks.and_then(|tasks| tasks.task(3, 0.25, Mse)).expect("weights of 1 and 1/4")
}

fn mixed(first: Target, second: Target, weight: &[f64]) -> Target {
    Target::Mixed { first: Box::new(first), second: Box::new(second), weight: Tensor::from_slice(weight) }
}

/// A target's numbers, tensor by tensor.
fn numbers(target: &Target) -> Vec<Vec<f64>> {
    target.tensors().into_iter().map(f64s).collect()
}

#[test]
fn several_targets_have_all_methods_of_a_target() {
    let target = both(4, 1);
    assert_eq!(target.items(), 4);
    assert_eq!(target.kind_name(), "several targets");
    assert_eq!(target.to_string(), "class indices [4] and dense values [4]");
    assert_eq!(target.tensor(), labels(4, 1).tensor());
    assert!(!target.is_mixed());
    assert_eq!(numbers(&target.shallow_clone()), numbers(&target));
    assert_eq!(numbers(&target.heavier().expect("it is plain")), numbers(&target));
    assert_eq!(numbers(&target.to_device(Device::Cpu).expect("it is there")), numbers(&target));
    let picked = target.index_select(&Tensor::from_slice(&[3_i64, 0])).expect("both are there");
    let want = numbers(&target).into_iter().map(|row| vec![row[3], row[0]]).collect::<Vec<_>>();
    assert_eq!(numbers(&picked), want);
    let joined = Target::join(&[both(4, 1), both(2, 2)]).expect("of one kind");
    let behind = |(mut one, other): (Vec<f64>, Vec<f64>)| {
        one.extend(other);
        one
    };
    let want: Vec<_> = numbers(&both(4, 1)).into_iter().zip(numbers(&both(2, 2))).map(behind).collect();
    assert_eq!(numbers(&joined), want);
    assert_eq!(parts(&joined).len(), 2);
}

#[test]
fn heavier_chooses_for_each_of_several_mixed_targets() {
    let target = mixed(both(3, 1), both(3, 2), &[0.8, 0.3, 0.5]);
    assert!(target.is_mixed());
    assert_eq!(target.to_string(), "class indices [3] and dense values [3], mixed");
    let (first, second) = (numbers(&both(3, 1)), numbers(&both(3, 2)));
    let want: Vec<_> = first.iter().zip(&second).map(|(a, b)| vec![a[0], b[1], a[2]]).collect();
    assert_eq!(numbers(&target.heavier().expect("of one kind")), want);
}

#[test]
fn targets_that_do_not_fit_each_other_are_rejected() {
    let error = Target::several([labels(3, 1), values(2, 1)]).expect_err("three and two");
    assert!(matches!(error, TargetError::Items { position: 1, expected: 3, found: 2 }), "{error}");
    assert!(matches!(Several::new([]), Err(TargetError::Nothing)));
    assert!(matches!(Target::join(&[]), Err(TargetError::Nothing)));
    let alone = Target::several([labels(3, 1)]).expect("one is enough");
    let error = Target::join(&[both(3, 1), alone]).expect_err("two and one");
    assert!(matches!(error, TargetError::Number { first: 2, other: 1 }), "{error}");
    let error = Target::join(&[both(3, 1), labels(3, 1)]).expect_err("two kinds");
    assert!(matches!(error, TargetError::Kinds { .. }), "{error}");
    let error = mixed(both(2, 1), labels(2, 1), &[0.5, 0.6]).heavier().expect_err("two kinds");
    assert!(matches!(error, TargetError::Kinds { .. }), "{error}");
    assert!(both(2, 1).packed().is_err());
}

#[test]
fn each_task_uses_its_columns_and_the_losses_are_weighted_and_added() {
    let (output, target) = (random(&[5, 4], Kind::Double, 9), both(5, 1));
    for reduction in REDUCTIONS {
        let class = CrossEntropy::default().loss(&output.narrow(1, 0, 3), &labels(5, 1), reduction).expect("they fit");
        let value = Mse.loss(&output.select(1, 3), &values(5, 1), reduction).expect("they fit");
        let got = loss().loss(&output, &target, reduction).expect("they fit");
        assert_close(&format!("{reduction:?}"), &f64s(&got), &f64s(&(class + value * 0.25)), 1e-12, 1.0);
    }
}

#[test]
fn the_mean_of_an_items_losses_counts_for_a_task_with_several() {
    let (output, rows) = (random(&[4, 3], Kind::Double, 9), random(&[4, 2], Kind::Double, 1));
    let tasks = MultiTask::new().task(1..3, 2.0, Mse).expect("a weight of 2");
    let target = Target::several([Target::Dense(rows.shallow_clone())]).expect("one is enough");
    let want = (output.narrow(1, 1, 2) - rows).square().mean_dim(1_i64, false, None) * 2.0;
    for reduction in REDUCTIONS {
        let got = tasks.loss(&output, &target, reduction).expect("they fit");
        let want = reduction.of(&want).expect("numbers");
        assert_close(&format!("{reduction:?}"), &f64s(&got), &f64s(&want), 1e-12, 1.0);
    }
}

#[test]
fn mixed_targets_are_mixed_task_by_task() {
    let weight = [0.9, 0.6, 0.2, 0.5, 1.0];
    let output = random(&[5, 4], Kind::Double, 9);
    let rows = Tensor::from_slice(&weight);
    for reduction in REDUCTIONS {
        let losses = |target| loss().loss(&output, &target, Reduction::None).expect("they fit");
        let want = losses(both(5, 2)).lerp_tensor(&losses(both(5, 1)), &rows);
        let want = reduction.of(&want).expect("numbers");
        let target = mixed(both(5, 1), both(5, 2), &weight);
        let got = MixUpLoss::new(LossFunc::new(loss())).loss(&output, &target, reduction).expect("they fit");
        assert_close(&format!("{reduction:?}"), &f64s(&got), &f64s(&want), 1e-12, 1.0);
    }
}

#[test]
fn predictions_have_the_activation_of_each_task() {
    let output = random(&[2, 6], Kind::Double, 1);
    let tasks = MultiTask::new().task(1..4, 1.0, CrossEntropy::default());
    let tasks = tasks.and_then(|tasks| tasks.task(4..5, 1.0, BceWithLogits::default())).expect("weights of 1");
    let got = tasks.activation(&output).expect("all columns are there");
    assert_close("untouched", &f64s(&got.select(1, 0)), &f64s(&output.select(1, 0)), 0.0, 0.0);
    let softmax = output.narrow(1, 1, 3).softmax(1, Kind::Double);
    assert_close("softmax", &f64s(&got.narrow(1, 1, 3)), &f64s(&softmax), 1e-12, 0.0);
    assert_close("sigmoid", &f64s(&got.select(1, 4)), &f64s(&output.select(1, 4).sigmoid()), 1e-12, 0.0);
    assert_close("untouched", &f64s(&got.select(1, 5)), &f64s(&output.select(1, 5)), 0.0, 0.0);
    assert_eq!(tasks.name(), "MultiTask(CrossEntropy, BceWithLogits)");
    assert!(format!("{tasks:?}").contains("BceWithLogits of columns 4..5, weight 1"), "{tasks:?}");
}

#[track_caller]
fn refused(loss: &impl Loss, output: &Tensor, target: &Target) -> (LossError, String) {
    let error = loss.loss(output, target, Reduction::Mean).expect_err("this does not fit");
    let message = error.to_string();
    (*error.downcast().expect("a LossError"), message)
}

#[test]
fn the_error_for_what_does_not_fit_the_tasks_names_it() {
    let output = random(&[2, 4], Kind::Double, 1);
    let (error, message) = refused(&loss(), &output, &labels(2, 1));
    assert!(matches!(error, LossError::Targets { wanted: 2, got: 1, .. }), "{message}");
    assert_eq!(message, "MultiTask judges 2 targets, and the batch has 1");
    let three = Target::several([labels(2, 1), values(2, 1), values(2, 2)]).expect("as many of each");
    assert!(matches!(refused(&loss(), &output, &three).0, LossError::Targets { wanted: 2, got: 3, .. }));
    assert!(matches!(refused(&MultiTask::new(), &output, &both(2, 1)).0, LossError::Targets { wanted: 0, .. }));
    let (error, message) = refused(&loss(), &output, &mixed(both(2, 1), both(2, 2), &[0.5, 0.6]));
    assert!(matches!(error, LossError::TargetKind { got: "mixed", .. }), "{message}");

    for narrow in [random(&[2, 3], Kind::Double, 1), random(&[2], Kind::Double, 1)] {
        let (error, message) = refused(&MultiTask::new().task(3, 1.0, Mse).expect("1"), &narrow, &several_values());
        assert!(matches!(error, LossError::Columns { task: 0, .. }), "{message}");
        assert!(message.contains("column 3") && message.contains(&format!("{:?}", narrow.size())), "{message}");
    }
    for columns in [2..2, 3..5] {
        let tasks = MultiTask::new().task(columns.clone(), 1.0, Mse).expect("a weight of 1");
        let (error, message) = refused(&tasks, &output, &several_values());
        assert!(matches!(error, LossError::Columns { task: 0, .. }), "{message}");
        assert!(message.contains(&format!("columns {columns:?}")), "{message}");
    }
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let error = MultiTask::new().task(0, weight, Mse).expect_err("no weight").to_string();
        assert!(error.contains("weight of task 0"), "{error}");
    }
}

fn several_values() -> Target {
    Target::several([values(2, 1)]).expect("one is enough")
}

#[test]
fn the_error_of_a_metric_for_one_target_says_what_to_do_with_several() {
    let output = random(&[4, 3], Kind::Double, 1);
    for (metric, name) in [
        (accuracy as fn(&Tensor, &Target) -> Result<Tensor, MetricError>, "accuracy"),
        (error_rate, "error_rate"),
        (mae, "mae"),
        (mse, "mse"),
    ] {
        let error = metric(&output, &both(4, 1)).expect_err("two targets");
        assert!(matches!(error, MetricError::TargetKind { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("{name} takes one target")), "{error}");
    }
}

#[test]
fn a_model_with_two_tasks_trains_with_mixup_validates_and_predicts() {
    let x = random(&[40, 4], Kind::Float, 1);
    let class = x.select(1, 0).gt(0.0).to_kind(Kind::Int64);
    let value = (x.select(1, 1) - x.select(1, 2)) * 0.5;
    let target = || Target::several([class.shallow_clone().into(), value.shallow_clone().into()]).expect("40 each");
    let items = || TensorDataset::new(x.shallow_clone(), target()).expect("a target for each");
    let tasks = MultiTask::new().task(0..2, 1.0, CrossEntropy::default());
    let tasks = tasks.and_then(|tasks| tasks.task(2, 0.5, Mse)).expect("weights");
    let classified = |output: &Tensor, target: &Target| {
        let Target::Several(several) = target else { return Err(MetricError::NotOne { got: vec![] }) };
        accuracy(&output.narrow(1, 0, 2), several.first())
    };
    let data = Data::builder(items()).valid(items()).batch_size(8).build().expect("there are items");
    let weight = random(&[3, 4], Kind::Float, 5);
    let model = move |vars: &mixup::model::Vars<'_>| {
        let ws = vars.path().var_copy("weight", &weight);
        tch::nn::Linear { ws, bs: Some(vars.path().zeros("bias", &[3])) }
    };
    let builder = Learner::builder(data, model).loss(tasks).metric_named("class", classified).mixup().seed(1).quiet();
    let mut learn = builder.build().expect("a learner");
    let before = learn.validate().expect("there is validation data").loss;
    learn.fit(30, 0.03).expect("it trains");
    let after = learn.validate().expect("there is validation data");
    assert!(after.loss < before / 3.0, "{} after {before}", after.loss);
    assert!(after.metrics[0].1 > 0.9, "{after}");
    let found = learn.predictions().expect("there is validation data");
    assert_eq!(numbers(found.targets.as_ref().expect("the data has targets")), numbers(&target()));
    assert_close(
        "softmax",
        &f64s(&found.outputs.narrow(1, 0, 2).sum_dim_intlist(1, false, None)),
        &[1.0; 40],
        1e-6,
        0.0,
    );
    assert_eq!(found.losses.as_ref().expect("the data has targets").size(), [40]);
    let mean = f64s(found.losses.as_ref().expect("the data has targets")).iter().sum::<f64>() / 40.0;
    assert_close("loss", &[mean], &[after.loss], 1e-5, 0.0);
}

#[test]
fn each_of_several_dense_targets_is_mixed_without_stacking() {
    let target = || Target::several([values(3, 1), values(3, 2)]).expect("as many of each");
    let (mut input, mut mixed) = (Input::from(random(&[3, 2], Kind::Double, 3)), target());
    let draws = Draws::new(vec![0.75, 0.6, 1.0], vec![1, 2, 0]).expect("a permutation");
    let mut mixup = MixUp::default().stack_y(false);
    mixup.mix(&mut input, &mut mixed, &draws).expect("dense targets");
    for (got, plain) in numbers(&mixed).iter().zip(numbers(&target())) {
        let want = [0.75 * plain[0] + 0.25 * plain[1], 0.6 * plain[1] + 0.4 * plain[2], plain[2]];
        assert_close("mixed", got, &want, 1e-12, 1.0);
    }
    let error = mixup.mix(&mut Input::from(random(&[3, 2], Kind::Double, 3)), &mut both(3, 1), &draws);
    assert!(error.expect_err("class indices are no numbers").to_string().contains("class indices"));
}
