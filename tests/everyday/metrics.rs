//! Metrics of the whole set: scikit-learn's numbers, whatever the batches, and going on in the middle of a validation.

use std::collections::BTreeMap;

use mixup::{metrics::Metric, prelude::*};
use serde::Deserialize;
use tch::{Kind, Tensor};

use crate::{
    numbers::assert_close,
    resumes,
    support::{data, on},
};

/// What `golden/metrics.py` got from scikit-learn.
#[derive(Deserialize)]
struct Golden {
    scores: Vec<Vec<f64>>,
    right: Vec<i64>,
    shares: BTreeMap<String, f64>,
    confusion: Vec<Vec<i64>>,
    many_scores: Vec<Vec<f64>>,
    many: Vec<i64>,
    top_1: f64,
    top_2: f64,
    auc_many: f64,
    perplexity: f64,
    two_scores: Vec<Vec<f64>>,
    two: Vec<i64>,
    auc_two: f64,
    numbers: Vec<Vec<f64>>,
    predicted: Vec<Vec<f64>>,
    rmse: f64,
    mse: f64,
    mae: f64,
    r2: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/metrics.json")).expect("the file is valid")
}

fn rows(rows: &[Vec<f64>]) -> Tensor {
    Tensor::from_slice(&rows.concat()).reshape([rows.len() as i64, -1]).to_kind(Kind::Float)
}

fn classes(classes: &[i64]) -> Target {
    Target::from(Tensor::from_slice(classes))
}

/// The value of a metric that a learner measures, for outputs that are the inputs, in batches of 7.
#[track_caller]
fn assert_measured(metric: impl Metric, output: &Tensor, target: &Target, want: f64) {
    let name = metric.name();
    // The network returns its input: the loss has no gradients, and nothing is trained.
    let model = |vars: &mixup::model::Vars<'_>| {
        let _unused = vars.path().zeros("unused", &[1]);
        tch::nn::func(Tensor::shallow_clone)
    };
    let set = || TensorDataset::new(output.shallow_clone(), target.shallow_clone()).unwrap();
    let data = Data::builder(set()).valid(set()).batch_size(7).build().unwrap();
    let loss = of_batch(|output: &Tensor, _: &Target| output.f_mean(Kind::Float));
    let mut learn = Learner::builder(data, model).loss(loss).metric(metric).quiet().build().unwrap();
    for _ in 0..2 {
        let measured = learn.validate().unwrap().metrics;
        assert_eq!(measured[0].0, name);
        assert_close(&name, &[measured[0].1], &[want], 1e-6, 0.0);
    }
}

#[test]
fn precision_recall_and_f_beta_are_those_of_scikit_learn() {
    let Golden { scores, right, shares, .. } = golden();
    let (output, target) = (rows(&scores), classes(&right));
    let averages = [
        ("macro", Average::Macro),
        ("micro", Average::Micro),
        ("weighted", Average::Weighted),
        ("1", Average::Class(1)),
    ];
    let mut seen = 0;
    for (name, average) in averages {
        assert_measured(Precision::new(average), &output, &target, shares[&format!("precision_{name}")]);
        assert_measured(Recall::new(average), &output, &target, shares[&format!("recall_{name}")]);
        seen += 2;
        for beta in [1.0, 0.5, 2.0] {
            if let Some(want) = shares.get(&format!("f{beta}_{name}")) {
                assert_measured(FBeta::new(beta, average), &output, &target, *want);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, shares.len());
    assert_eq!(
        (FBeta::f1(Average::Macro).name(), FBeta::new(0.5, Average::Macro).name()),
        ("f1".into(), "f0.5".into())
    );
}

#[test]
fn the_confusion_matrix_is_that_of_scikit_learn_whatever_the_batches() {
    let Golden { scores, right, confusion, .. } = golden();
    let (output, target) = (rows(&scores), classes(&right));
    let mut whole = ConfusionMatrix::default();
    assert!(whole.counts().is_empty());
    whole.push(&output, &target).unwrap();
    let mut parts = ConfusionMatrix::default();
    for at in 0..5 {
        let part = Tensor::arange_start(at * 10, at * 10 + 10, (Kind::Int64, output.device()));
        parts.push(&output.index_select(0, &part), &target.index_select(&part).unwrap()).unwrap();
    }
    assert_eq!((whole.counts(), parts.counts()), (confusion.clone(), confusion));
    whole.reset();
    assert!(whole.counts().is_empty());
}

#[test]
fn top_k_and_the_area_under_the_curve_are_those_of_scikit_learn() {
    let Golden { many_scores, many, top_1, top_2, auc_many, two_scores, two, auc_two, .. } = golden();
    let (output, target) = (rows(&many_scores), classes(&many));
    assert_measured(TopK(1), &output, &target, top_1);
    assert_measured(TopK(2), &output, &target, top_2);
    assert_measured(TopK(9), &output, &target, 1.0); // there are only three classes
    assert_measured(RocAuc::default(), &output, &target, auc_many);
    let (output, target) = (rows(&two_scores), classes(&two));
    assert_measured(RocAuc::default(), &output, &target, auc_two);
    // One score, as for `BceWithLogits`.
    let column = output.narrow(1, 1, 1);
    let dense = Target::from(Tensor::from_slice(&two).to_kind(Kind::Float).unsqueeze(1));
    assert_measured(RocAuc::default(), &column, &dense, auc_two);
}

#[test]
fn metrics_of_numbers_and_perplexity_are_those_of_scikit_learn() {
    let Golden {
        numbers,
        predicted,
        rmse,
        mse: mean_square,
        mae: mean_absolute,
        r2,
        many_scores,
        many,
        perplexity,
        ..
    } = golden();
    let (output, target) = (rows(&predicted), Target::from(rows(&numbers)));
    assert_measured(Rmse::default(), &output, &target, rmse);
    assert_measured(mse, &output, &target, mean_square);
    assert_measured(mae, &output, &target, mean_absolute);
    assert_measured(R2::default(), &output, &target, r2);
    let (output, mut left_out) = (rows(&many_scores), many.clone());
    assert_measured(Perplexity::default(), &output, &classes(&many), perplexity);
    left_out.truncate(many.len() - 1);
    let some = output.narrow(0, 0, left_out.len() as i64);
    let want = {
        let mut metric = Perplexity::default();
        metric.push(&some, &classes(&left_out)).unwrap();
        f64::try_from(metric.value().unwrap()).unwrap()
    };
    left_out.push(-100);
    assert_measured(Perplexity::default(), &output, &classes(&left_out), want);
}

#[test]
fn what_does_not_fit_is_an_error_that_names_the_metric() {
    let said = |metric: &mut dyn OverSet, output: &Tensor, target: &Target| {
        metric.push(output, target).unwrap_err().to_string()
    };
    let scores = Tensor::zeros([4, 3], (Kind::Float, tch::Device::Cpu));
    let four = classes(&[0, 1, 2, 0]);
    let error = said(&mut Precision::default(), &scores, &classes(&[0, 1]));
    assert!(error.contains("class indices `[n, d…]`") && error.contains("[4, 3]"), "{error}");
    let error = said(&mut Rmse::default(), &scores, &four);
    assert!(error.contains("Rmse takes dense values, and the target is class indices"), "{error}");
    let error = said(&mut RocAuc::default(), &scores.unsqueeze(2), &four);
    assert!(error.contains("scores `[n, classes]`"), "{error}");
    let mut of_five = Precision::new(Average::Class(5));
    of_five.push(&scores, &four).unwrap();
    let error = of_five.value().unwrap_err().to_string();
    assert!(error.contains("there is no class 5: the output has 3 classes"), "{error}");
}

/// Neither form of a metric.
struct Nothing;

impl Metric for Nothing {}

#[test]
fn a_metric_that_implements_nothing_says_what_to_implement() {
    let mut learn = on(data(8, 4)).metric(Nothing).build().unwrap();
    let error = learn.validate().unwrap_err().to_string();
    assert!(error.contains("the metric `Nothing`") && error.contains("implement `measure`, or `over_set`"), "{error}");
}

#[test]
fn a_metric_of_the_whole_set_is_watched_and_reported_as_any_other() {
    let builder = on(data(16, 7)).metric(FBeta::f1(Average::Macro)).metric(RocAuc::default()).metric(accuracy);
    let mut learn = builder.callback(EarlyStopping::on(FBeta::f1(Average::Macro)).patience(1)).build().unwrap();
    let report = learn.fit(4, 0.0).unwrap();
    assert_eq!(report.outcome.to_string().matches("`f1` has not improved").count(), 1);
    assert_eq!(report.metric_names, ["f1", "roc_auc", "accuracy"]);
    assert_eq!(
        learn.validate().unwrap().metrics.iter().map(|(_, it)| *it).collect::<Vec<_>>(),
        report.epochs[1].metrics
    );
    let mut without = on(data(16, 0)).metric(RocAuc::default()).build().unwrap();
    assert!(without.fit(1, 0.1).unwrap().epochs[0].metrics[0].is_nan());
}

#[test]
fn a_validation_begins_anew_after_one_that_failed() {
    struct Fails(bool);

    #[callback]
    impl Fails {
        #[on(batch_end, valid, if = self.0 && num_batch == 1)]
        fn fail() -> Result<(), BoxError> {
            Err("no".into())
        }
    }

    let mut learn = on(data(8, 15)).metric(Counted::default()).callback(Fails(true)).build().unwrap();
    assert!(learn.validate().is_err());
    learn.get_mut::<Fails>().unwrap().0 = false;
    assert_close("items", &[learn.validate().unwrap().metrics[0].1], &[15.0], 0.0, 0.0);
}

/// A metric of a user's own: how many items were counted.
#[derive(Default)]
struct Counted(ConfusionMatrix);

impl OverSet for Counted {
    fn push(&mut self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
        Ok(self.0.push(output, target)?)
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        Ok(self.0.tensor().ok_or("there was no batch")?.f_sum(Kind::Double)?)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

impl Metric for Counted {
    fn over_set(&mut self) -> Option<&mut dyn OverSet> {
        Some(self)
    }
}

#[test]
fn a_validation_goes_on_after_a_break_in_it() {
    let build = || {
        let builder = on(data(16, 15)).mixup().validate_every(3);
        let builder = builder.metric(FBeta::f1(Average::Macro)).metric(RocAuc::default()).metric(Perplexity::default());
        Ok(builder.metric(TopK(1)).build()?)
    };
    assert!(resumes(build, 2, 0.1) > 20);
    // A regression.
    let build = || {
        let set = |items| {
            let (x, y) =
                (crate::support::series(items * 3, 0.3).reshape([items, 3]), crate::support::series(items, 0.7));
            TensorDataset::new(x, Target::from(y.unsqueeze(1))).unwrap()
        };
        let data = Data::builder(set(12)).valid(set(11)).batch_size(4).build()?;
        let builder = Learner::builder(data, |vars| crate::support::linear(vars, 3, 1)).loss(Mse).quiet();
        Ok(builder.metric(R2::default()).metric(Rmse::default()).build()?)
    };
    resumes(build, 2, 0.01);
}
