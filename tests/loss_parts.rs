//! Losses made of parts: each part is published under its name, in training and in validation, and mixed as the loss is.
#![allow(clippy::cast_precision_loss, reason = "small counts become numbers")]

mod numbers;
mod support;

use std::sync::{Arc, Mutex};

use mixup::{
    batch::EachTensor,
    callbacks::mixing::MixUpLoss,
    loss::{LossError, LossParts},
    prelude::*,
    training::BuildError,
};
use numbers::{assert_close, classes, f64s, random};
use support::{data, linear, on};
use tch::{Kind, TchError, Tensor};

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

/// A code, and scores made of it.
struct Coded {
    code: Tensor,
    class: Tensor,
}

impl Output for Coded {
    fn map(&self, each: &mut EachTensor<'_>) -> Result<Self, TchError> {
        Ok(Self { code: each(&self.code)?, class: each(&self.class)? })
    }
}

struct Coder(support::Linear);

impl Model for Coder {
    type Output = Coded;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Coded, BoxError> {
        let class = self.0.forward_batch(input, train)?;
        Ok(Coded { code: class.f_square()?, class })
    }
}

/// Two losses for an item, of which the mean counts.
fn far(output: &Coded, _: &Target) -> Tensor {
    output.code.square()
}

fn class(output: &Coded, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
    CrossEntropy::default().loss(&output.class, target, reduction)
}

fn sum() -> LossSum<Coded> {
    let sum = LossSum::new().part("far", 0.1, per_item(far));
    sum.and_then(|sum| sum.part("class", 2.0, class)).expect("two names and two weights")
}

fn output(n: i64) -> Coded {
    Coded { code: random(&[n, 2], Kind::Double, 1), class: random(&[n, 3], Kind::Double, 2) }
}

/// The items' losses of both parts, by hand.
fn by_hand(output: &Coded, target: &Target) -> [Vec<f64>; 2] {
    let far = f64s(&output.code).chunks(2).map(|code| f64::midpoint(code[0].powi(2), code[1].powi(2))).collect();
    let labels: Vec<i64> = Vec::try_from(target.tensor()).expect("indices");
    let loss = |(scores, label): (&[f64], i64)| {
        scores.iter().map(|score| score.exp()).sum::<f64>().ln() - scores[usize::try_from(label).expect("an index")]
    };
    [far, f64s(&output.class).chunks(3).zip(labels).map(loss).collect()]
}

fn reduced(losses: &[f64], reduction: Reduction) -> Vec<f64> {
    let sum = losses.iter().sum::<f64>();
    match reduction {
        Reduction::None => losses.to_vec(),
        Reduction::Mean => vec![sum / losses.len() as f64],
        Reduction::Sum => vec![sum],
    }
}

#[track_caller]
fn assert_parts(found: &LossParts, [far, class]: &[Vec<f64>; 2], reduction: Reduction) {
    let total: Vec<_> = far.iter().zip(class).map(|(far, class)| 0.1 * far + 2.0 * class).collect();
    for (what, found, want) in
        [("total", &found.total, &total), ("far", &found.parts[0], far), ("class", &found.parts[1], class)]
    {
        assert_close(&format!("{what} {reduction:?}"), &f64s(found), &reduced(want, reduction), 1e-12, 1.0);
    }
}

#[test]
fn a_sum_of_losses_is_weighted_and_its_parts_are_not() {
    let (output, target) = (output(5), Target::from(classes(&[5], 3, 3)));
    for reduction in REDUCTIONS {
        let found = sum().loss_in_parts(&output, &target, reduction).expect("it fits");
        assert_parts(&found, &by_hand(&output, &target), reduction);
        let alone = sum().loss(&output, &target, reduction).expect("it fits");
        assert_eq!(f64s(&alone), f64s(&found.total));
    }
    assert_eq!(sum().parts(), ["far", "class"]);
}

/// The same in a type that knows nothing of mixed targets.
struct Own;

impl Loss<Coded> for Own {
    fn loss(&self, output: &Coded, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        sum().loss(output, target, reduction)
    }

    fn parts(&self) -> Vec<String> {
        sum().parts()
    }

    fn loss_in_parts(&self, output: &Coded, target: &Target, reduction: Reduction) -> Result<LossParts, BoxError> {
        sum().loss_in_parts(output, target, reduction)
    }
}

#[test]
fn the_parts_of_a_mixed_loss_are_mixed_item_by_item() {
    let (output, weights) = (output(4), [0.9, 0.25, 0.5, 1.0]);
    let [first, second] = [3, 4].map(|seed| Target::from(classes(&[4], 3, seed)));
    let [one, other] = [&first, &second].map(|target| by_hand(&output, target));
    let mix = |part: usize| {
        let pairs = one[part].iter().zip(&other[part]).zip(weights);
        pairs.map(|((one, other), weight)| weight * one + (1.0 - weight) * other).collect::<Vec<f64>>()
    };
    let want = [mix(0), mix(1)];
    let mixed =
        Target::Mixed { first: Box::new(first), second: Box::new(second), weight: Tensor::from_slice(&weights) };
    for reduction in REDUCTIONS {
        for loss in [LossFunc::new(sum()), LossFunc::new(Own)] {
            let found = MixUpLoss::new(loss).loss_in_parts(&output, &mixed, reduction).expect("it fits");
            assert_parts(&found, &want, reduction);
        }
    }
}

#[test]
fn a_named_task_is_a_part_and_one_without_a_name_is_not() {
    let loss = MultiTask::new().task(0..3, 1.0, CrossEntropy::default()).and_then(|it| it.named("digit"));
    let loss = loss.and_then(|it| it.task(3, 0.25, Mse)).expect("weights and a name");
    assert_eq!(loss.parts(), ["digit"]);
    let (output, slant) = (random(&[4, 4], Kind::Double, 1), random(&[4], Kind::Double, 2));
    let digit = Target::from(classes(&[4], 3, 3));
    let alone = CrossEntropy::default().loss(&output.narrow(1, 0, 3), &digit, Reduction::Mean).expect("it fits");
    let target = Target::several([digit, slant.into()]).expect("four items each");
    let found = loss.loss_in_parts(&output, &target, Reduction::Mean).expect("it fits");
    assert_eq!(found.parts.len(), 1);
    assert_eq!(f64s(&found.parts[0]), f64s(&alone));
}

fn coder() -> mixup::learner::LearnerBuilder<Coder> {
    Learner::builder(data(8, 6), |vars| Coder(linear(vars, 3, 2))).optimizer(Sgd::default()).quiet()
}

#[test]
fn the_learner_publishes_each_part_in_training_and_in_validation() -> Result<(), BoxError> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, batches) = (seen.clone(), Arc::new(Mutex::new(Vec::new())));
    let of_batches = batches.clone();
    let mut learn = coder()
        .loss(sum())
        .callback(hook!(on_batch_end, move |train: bool, last_loss: &Tensor, far: &Value, class: &Value| {
            if train {
                let total = f64::try_from(last_loss).expect("one number");
                let parts = [far, class].map(|part| part.read().expect("read").expect("set"));
                of_batches.lock().expect("free").push((total, parts));
            }
        }))
        .callback(hook!(on_epoch_end, move |valid_far: &Value, valid_class: &Value| {
            log.lock()
                .expect("free")
                .push([valid_far, valid_class].map(|part| part.read().expect("read").expect("set")));
        }))
        .build()?;
    let report = learn.fit(2, 0.1)?;
    assert_eq!(report.value_names, ["far", "class"]);
    assert_eq!(report.metric_names, ["valid_far", "valid_class"]);
    let batches = batches.lock().expect("free");
    for (total, [far, class]) in &*batches {
        assert_close("a batch", &[*total], &[0.1 * far + 2.0 * class], 1e-6, 1.0);
    }
    let last = report.last().ok_or("two epochs")?;
    assert_close(
        "training",
        &last.values,
        &[0, 1].map(|part| batches[2..].iter().map(|it| it.1[part]).sum::<f64>() / 2.0),
        1e-12,
        1.0,
    );
    assert_eq!(seen.lock().expect("free")[1].as_slice(), last.metrics);
    let valid_loss = last.valid_loss.ok_or("validated")?;
    assert_close("validation", &[0.1 * last.metrics[0] + 2.0 * last.metrics[1]], &[valid_loss], 1e-6, 1.0);
    let header = report.to_string();
    assert!(["valid_far", "valid_class", "far", "class"].iter().all(|name| header.contains(name)), "{header}");
    let validation = learn.validate()?;
    assert_eq!(validation.metrics[0].0, "valid_far");
    assert_eq!(validation.metrics[0].1.to_bits(), last.metrics[0].to_bits());
    Ok(())
}

#[test]
fn a_loss_with_parts_trains_as_one_without_them_and_so_with_mixup() -> Result<(), BoxError> {
    let whole = |output: &Coded, target: &Target, reduction: Reduction| -> Result<Tensor, BoxError> {
        Ok(class(output, target, reduction)? * 2.0
            + reduction.of(&far(output, target).mean_dim(1_i64, false, Kind::Float))? * 0.1)
    };
    for mixes in [false, true] {
        let built = |builder: mixup::learner::LearnerBuilder<Coder>| {
            if mixes { builder.mixup().build() } else { builder.build() }
        };
        let (mut parts, mut plain) = (built(coder().loss(sum()))?, built(coder().loss(whole))?);
        let (with, without) = (parts.fit(2, 0.1)?, plain.fit(2, 0.1)?);
        let losses = |report: &Report| -> Vec<f64> { report.epochs.iter().map(|row| row.train_loss).collect() };
        assert_close("the losses", &losses(&with), &losses(&without), 1e-5, 1.0);
        let row = with.last().ok_or("two epochs")?;
        assert!(row.values.iter().chain(&row.metrics).all(|number| number.is_finite()), "{row:?}");
    }
    Ok(())
}

#[test]
fn another_loss_brings_other_parts_and_the_last_report_stays() -> Result<(), BoxError> {
    let mut learn = coder().loss(sum()).build()?;
    let report = learn.fit(1, 0.1)?;
    learn.set_loss::<Coded>(class)?;
    assert_eq!(learn.report(), report);
    let report = learn.fit(1, 0.1)?;
    assert!(report.metric_names.is_empty() && report.value_names.is_empty());
    assert!(report.epochs[0].metrics.is_empty() && report.epochs[0].values.is_empty());
    Ok(())
}

#[test]
fn a_loss_that_lacks_a_part_that_a_callback_reads_is_refused() -> Result<(), BoxError> {
    let reads = hook!(on_epoch_end, |valid_far: &Value| assert!(valid_far.read().is_ok()));
    let mut learn = coder().loss(sum()).callback(reads).build()?;
    let error = learn.set_loss::<Coded>(class).expect_err("nobody publishes it");
    assert!(error.to_string().contains("valid_far"), "{error}");
    learn.fit(1, 0.1)?;
    Ok(())
}

#[test]
fn names_and_weights_of_parts_are_checked() {
    let part =
        |name: &str, weight| LossSum::<Tensor>::new().part("a", 1.0, Mse).and_then(|it| it.part(name, weight, Mse));
    for name in ["a", ""] {
        assert!(matches!(part(name, 1.0), Err(LossError::PartName { .. })), "{name}");
    }
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let error = part("b", weight).expect_err("no weight");
        assert!(error.to_string().starts_with("the weight of the part `b` is "), "{error}");
    }
    assert!(matches!(MultiTask::new().named("a"), Err(LossError::NoPart { .. })));
    let built = |name: &str| {
        let loss = LossSum::new().part(name, 1.0, CrossEntropy::default()).expect("a name and a weight");
        on(data(8, 4)).metric_named("valid_taken", accuracy).metric_named("held", accuracy).loss(loss).build()
    };
    let refused = |name: &str| built(name).err().map(|error| error.to_string());
    let metric = refused("taken").expect("a metric has its name");
    assert!(metric.starts_with("there are two metrics named `valid_taken`"), "{metric}");
    let says = |name: &str, what: &str| {
        let error = refused(name).expect("the name is taken");
        assert!(error.starts_with(&format!("`LossSum({name})` publishes `{what}`, which is ")), "{error}");
    };
    says("held", "held");
    says("epoch", "epoch");
    says("loss", "valid_loss");
    assert!(matches!(built("loss"), Err(mixup::training::Error::Build(BuildError::ValueTaken { .. }))));
    built("free").expect("nobody has this name");
}

#[test]
fn a_loss_that_returns_another_number_of_parts_than_it_has_names_is_refused() {
    struct Forgets;

    impl Loss for Forgets {
        fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
            CrossEntropy::default().loss(output, target, reduction)
        }

        fn parts(&self) -> Vec<String> {
            vec!["one".to_owned()]
        }
    }

    let error = on(data(8, 4)).loss(Forgets).build().expect("the names are free").fit(1, 0.1).expect_err("no part");
    assert!(error.to_string().contains("`Forgets` returned 0 parts, and `Loss::parts` has 1 names"), "{error}");
}

#[test]
fn a_training_with_parts_goes_on_wherever_it_is_interrupted() -> Result<(), BoxError> {
    mixup::learner::assert_resumes(|| Ok(coder().loss(sum()).build()?), 2, 0.1)?;
    Ok(())
}

#[test]
fn a_sum_predicts_with_its_own_activation_or_that_of_its_first_part() -> Result<(), BoxError> {
    let output = random(&[4, 2], Kind::Double, 1);
    let sum = || LossSum::new().part("class", 1.0, CrossEntropy::default()).and_then(|it| it.part("far", 1.0, Mse));
    assert_eq!(sum()?.activation_of(&output)?, output.softmax(1, Kind::Double));
    assert_eq!(sum()?.activation(|output: &Tensor| output.sigmoid()).activation_of(&output)?, output.sigmoid());
    Ok(())
}

/// `Loss::activation`, which is hidden by the builders' methods of this name.
trait ActivationOf {
    fn activation_of(&self, output: &Tensor) -> Result<Tensor, BoxError>;
}

impl<L: Loss> ActivationOf for L {
    fn activation_of(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Loss::activation(self, output)
    }
}
