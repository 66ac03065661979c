//! Compares metrics with counting by hand: plain, dense and mixed targets, and users' closures.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "small counts become numbers; what must be the same to the bit is compared so"
)]

use mixup::{
    error::BoxError,
    metrics::{Metric, MetricError},
    prelude::*,
    training::{BuildError, Error},
};
use tch::{Device, Kind, Tensor};

mod numbers;
use numbers::{assert_close, classes, f64s, prepared, random};

#[track_caller]
fn value(metric: &impl Metric, output: &Tensor, target: &Target) -> f64 {
    let value = metric.measure(output, target).expect("output and target fit");
    assert_eq!(value.size(), [0_i64; 0], "a metric is one number");
    value.double_value(&[])
}

/// Scores that are highest for these classes.
fn scores(highest: &[i64]) -> Tensor {
    Tensor::from_slice(highest).one_hot(3).to_kind(Kind::Float) * 2.0 - 1.0
}

fn indices(classes: &[i64]) -> Target {
    Target::from(Tensor::from_slice(classes))
}

#[test]
fn accuracy_is_the_share_of_hits() {
    let output = scores(&[0, 1, 2, 2, 1]);
    assert_close("accuracy", &[value(&accuracy, &output, &indices(&[0, 1, 2, 0, 0]))], &[0.6], 1e-7, 0.0);
    assert_close("error_rate", &[value(&error_rate, &output, &indices(&[0, 1, 2, 0, 0]))], &[0.4], 1e-7, 0.0);
    assert_eq!(value(&accuracy, &output, &indices(&[0, 1, 2, 2, 1])), 1.0);
    assert_eq!(value(&error_rate, &output, &indices(&[1, 2, 0, 0, 2])), 1.0);
}

#[test]
fn accuracy_counts_the_heavier_target_of_a_mixed_one() {
    let output = scores(&[0, 1, 2, 2]);
    let mixed = |first: Target, second: Target, weight: &[f32]| Target::Mixed {
        first: Box::new(first),
        second: Box::new(second),
        weight: Tensor::from_slice(weight),
    };
    // For the second item, the partner weighs more and is hit. For the last one, both weigh the same and the first counts.
    let target = || mixed(indices(&[0, 0, 1, 2]), indices(&[1, 1, 2, 0]), &[0.9, 0.2, 0.6, 0.5]);
    assert_eq!(value(&accuracy, &output, &target()), 0.75);
    let dense =
        mixed(Target::Dense(scores(&[0, 0, 1, 2])), Target::Dense(scores(&[1, 1, 2, 0])), &[0.9, 0.2, 0.6, 0.5]);
    assert_eq!(value(&accuracy, &output, &dense), 0.75);

    let unlike = mixed(indices(&[0, 0, 1, 2]), Target::Dense(scores(&[0, 0, 1, 2])), &[0.9, 0.2, 0.6, 0.5]);
    let error = accuracy(&output, &unlike).expect_err("indices beside dense values").to_string();
    assert!(error.contains("class indices") && error.contains("dense values"), "{error}");
}

#[test]
fn the_other_metrics_use_the_heavier_target_too() {
    let column = |numbers: &[f64]| Box::new(Target::Dense(Tensor::from_slice(numbers)));
    let output = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0]);
    // As with CutMix: for the second and the third item, the partner weighs more.
    let (first, second) = (column(&[0.0, 9.0, 9.0, 6.0]), column(&[9.0, 3.0, 1.0, 9.0]));
    let target = Target::Mixed { first, second, weight: Tensor::from_slice(&[0.9, 0.2, 0.49, 0.5]) };
    assert_eq!(value(&mae, &output, &target), (1.0 + 1.0 + 2.0 + 2.0) / 4.0);
    assert_eq!(value(&mse, &output, &target), (1.0 + 1.0 + 4.0 + 4.0) / 4.0);
    let (first, second) = (Box::new(indices(&[0, 0])), Box::new(indices(&[1, 1])));
    let target = Target::Mixed { first, second, weight: Tensor::from_slice(&[0.7, 0.4]) };
    assert_eq!(value(&error_rate, &scores(&[0, 0]), &target), 0.5);
}

#[test]
fn metrics_of_errors_reject_class_indices() {
    let output = Tensor::from_slice(&[1.0, 2.0]);
    for (metric, name) in [(mae as fn(&Tensor, &Target) -> Result<Tensor, MetricError>, "mae"), (mse, "mse")] {
        let error = metric(&output, &indices(&[1, 2])).expect_err("indices are no numbers").to_string();
        assert_eq!(error, format!("{name} takes dense values, and the target is class indices"));
    }
}

#[test]
fn the_metrics_of_a_training_with_mixup_are_plain() {
    let never_mixed = |_: &Tensor, target: &Target| if target.is_mixed() { Err("mixed") } else { Ok(1.0) };
    let model = |vars: &mixup::model::Vars<'_>| {
        let ws = vars.path().var_copy("weight", &random(&[3, 3], Kind::Float, 7));
        tch::nn::Linear { ws, bs: None }
    };
    let builder = Learner::builder(data(), model).mixup().metric(accuracy).metric_named("plain", never_mixed).quiet();
    let mut learn = builder.build().expect("a learner");
    let report = learn.fit(3, 0.1).expect("no target is mixed where metrics are measured");
    let found = learn.predictions().expect("there is validation data");
    let guesses = f64s(&found.outputs.argmax(1, false));
    let hits = guesses
        .iter()
        .zip(f64s(found.targets.as_ref().expect("the data has targets").tensor()))
        .filter(|(guess, truth)| *guess == truth)
        .count();
    assert_close("accuracy", &[report.metric("accuracy").expect("it was measured")], &[hits as f64 / 4.0], 1e-6, 0.0);
}

#[test]
fn accuracy_takes_the_highest_dense_target_as_the_class() {
    let soft = Target::Dense(scores(&[0, 2, 2]).softmax(1, Kind::Float));
    assert_close("accuracy", &[value(&accuracy, &scores(&[0, 1, 2]), &soft)], &[2.0 / 3.0], 1e-7, 0.0);
}

#[test]
fn accuracy_counts_each_position_of_a_segmentation() {
    let output = random(&[2, 3, 4, 5], Kind::Float, 1);
    let y = classes(&[2, 4, 5], 3, 2);
    let (numbers, truth) = (f64s(&output), f64s(&y));
    let mut hits = 0.0;
    for (at, truth) in truth.iter().enumerate() {
        let (item, position) = (at / 20, at % 20);
        let score = |class: usize| numbers[(item * 3 + class) * 20 + position];
        let guess = (0..3_usize).max_by(|&a, &b| score(a).total_cmp(&score(b))).expect("three classes");
        hits += f64::from(u8::from(guess as f64 == *truth));
    }
    assert_close("accuracy", &[value(&accuracy, &output, &Target::from(y))], &[hits / 40.0], 1e-7, 0.0);
}

#[test]
fn the_mean_errors_are_their_formulas() {
    for shape in [vec![6], vec![6, 1], vec![2, 3, 4]] {
        let (output, y) = (random(&shape, Kind::Double, 1), random(&shape, Kind::Double, 2));
        let differences: Vec<f64> = f64s(&output).iter().zip(f64s(&y)).map(|(x, y)| x - y).collect();
        let mean = |of: fn(f64) -> f64| differences.iter().map(|&d| of(d)).sum::<f64>() / differences.len() as f64;
        let target = Target::Dense(y);
        assert_close("mae", &[value(&mae, &output, &target)], &[mean(f64::abs)], 1e-12, 0.0);
        assert_close("mse", &[value(&mse, &output, &target)], &[mean(|d| d * d)], 1e-12, 0.0);
    }
}

#[test]
fn the_error_for_shapes_that_do_not_fit_names_them() {
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    let cases = [
        (accuracy(&zeros(&[4, 3]), &indices(&[1, 2])), "the output is [4, 3] and the target [2]"),
        (accuracy(&zeros(&[4]), &indices(&[0, 0, 0, 0])), "the output is [4] and the target [4]"),
        (accuracy(&zeros(&[]), &indices(&[0])), "the output is [] and the target [1]"),
        (accuracy(&zeros(&[4, 3]), &Target::Dense(zeros(&[4, 2]))), "the target [4, 2]"),
        // Numbers are not class indices, although there is one for each item.
        (accuracy(&zeros(&[4, 3]), &Target::Dense(zeros(&[4]))), "the target [4]"),
        (mae(&zeros(&[4, 1]), &Target::Dense(zeros(&[4]))), "the output is [4, 1] and the target [4]"),
        (mse(&zeros(&[4]), &Target::Dense(zeros(&[1]))), "the output is [4] and the target [1]"),
    ];
    for (result, says) in cases {
        let error = result.expect_err(says);
        assert!(matches!(error, MetricError::Shapes { .. }) && error.to_string().contains(says), "{error}");
    }
}

/// The mean of the highest scores: a generic metric with its own name.
struct Top<const K: i64>;

impl<const K: i64> Metric for Top<K> {
    fn measure(&self, output: &Tensor, _target: &Target) -> Result<Tensor, BoxError> {
        Ok(output.f_topk(K, 1, true, true)?.0.f_mean(Kind::Float)?)
    }
}

trait Measures {
    fn of(output: &Tensor, target: &Target) -> f64;
}

impl Measures for Top<1> {
    fn of(_: &Tensor, _: &Target) -> f64 {
        0.0
    }
}

fn generic<T: Default + Into<f64>>(_: &Tensor, _: &Target) -> f64 {
    T::default().into()
}

#[test]
fn a_metric_has_the_name_of_its_function_or_type_and_a_closure_is_called_closure() {
    let closure = |_: &Tensor, _: &Target| 1.0;
    assert_eq!(Metric::name(&accuracy), "accuracy");
    assert_eq!(Metric::name(&error_rate), "error_rate");
    assert_eq!(Metric::name(&generic::<f32>), "generic");
    assert_eq!(Metric::name(&Top::<2>), "Top");
    assert_eq!(Metric::name(&<Top<1> as Measures>::of), "of");
    assert_eq!(Metric::name(&closure), "closure");
    assert_eq!(Metric::name(&(closure as fn(&Tensor, &Target) -> f64)), "function");
}

/// Three items and then one: the mean over batches differs from the mean over items.
fn data() -> Data {
    let batch = |n: i64, seed| (random(&[n, 3], Kind::Float, seed), Target::from(classes(&[n], 3, seed)));
    prepared(&[batch(3, 1), batch(1, 2)]).expect("whole batches")
}

#[derive(Debug)]
struct AsIs;

impl Model for AsIs {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        Ok(input.one()?.shallow_clone())
    }
}

#[test]
fn the_report_has_functions_closures_and_types_averaged_over_the_items() {
    let first = |output: &Tensor, _: &Target| output.f_narrow(1, 0, 1)?.f_mean(Kind::Float);
    let items = |output: &Tensor, _: &Target| output.size()[0] as f64;
    let builder = Learner::builder(data(), |_| AsIs).metric(accuracy).metric(Top::<1>).metric(first);
    let learn = builder.metric_named("items", items).quiet().build();
    let found = learn.expect("a learner").validate().expect("there is validation data");
    let names: Vec<&str> = found.metrics.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["accuracy", "Top", "closure", "items"]);

    let rows: Vec<Vec<f64>> = [(3, 1), (1, 2)]
        .iter()
        .flat_map(|&(n, seed)| {
            f64s(&random(&[n, 3], Kind::Float, seed)).chunks(3).map(<[f64]>::to_vec).collect::<Vec<_>>()
        })
        .collect();
    let truth: Vec<f64> = [(3, 1), (1, 2)].iter().flat_map(|&(n, seed)| f64s(&classes(&[n], 3, seed))).collect();
    let highest = |row: &[f64]| row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let hits = rows.iter().zip(&truth).filter(|(row, truth)| row[**truth as usize] == highest(row)).count();
    let want = [
        hits as f64 / 4.0,
        rows.iter().map(|row| highest(row)).sum::<f64>() / 4.0,
        rows.iter().map(|row| row[0]).sum::<f64>() / 4.0,
        (3.0 * 3.0 + 1.0) / 4.0,
    ];
    let got: Vec<f64> = found.metrics.iter().map(|(_, value)| *value).collect();
    assert_close("metrics", &got, &want, 1e-6, 1.0);
}

#[test]
fn two_metrics_of_one_name_are_an_error_that_says_what_to_do() {
    let one = |_: &Tensor, _: &Target| 1.0;
    let builder = Learner::builder(data(), |_| AsIs).metric(one).metric(|_: &Tensor, _: &Target| 2.0);
    let Err(error) = builder.quiet().build() else { panic!("two columns would have one name") };
    assert!(matches!(&error, Error::Build(BuildError::MetricName { name }) if name == "closure"), "{error}");
    assert!(error.to_string().contains("metric_named"), "{error}");
}

#[test]
fn a_metric_that_fails_or_is_not_one_number_ends_the_validation_with_an_error_that_names_it() {
    let refuses = |_: &Tensor, _: &Target| Err::<f64, BoxError>("no use for this".into());
    let learn = Learner::builder(data(), |_| AsIs).metric_named("mine", refuses).quiet().build();
    let error = learn.expect("a learner").validate().expect_err("the metric refuses").to_string();
    for part in ["metric `mine`", "validation batch 0", "no use for this"] {
        assert!(error.contains(part), "«{error}» does not say {part}");
    }
    let each = |output: &Tensor, _: &Target| output.f_argmax(1, false);
    let learn = Learner::builder(data(), |_| AsIs).metric_named("each", each).quiet().build();
    let error = learn.expect("a learner").validate().expect_err("three numbers are no number");
    let Error::Metric { metric, source, .. } = &error else { panic!("{error}") };
    assert_eq!(metric, "each");
    assert!(matches!(source.downcast_ref(), Some(MetricError::NotOne { got }) if *got == [3]), "{error}");
    assert!(error.to_string().contains("tensor of the shape [3]"), "{error}");
}
