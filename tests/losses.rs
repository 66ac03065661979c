//! Compares each loss function with its formula in f64, for each reduction. `mixed_losses.rs` has the mixed losses.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small counts become numbers"
)]

use mixup::{error::BoxError, loss::LossError, prelude::*};
use tch::{Device, Kind, TchError, Tensor};

mod numbers;
use numbers::{assert_close, classes, f64s, random};

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

/// Losses of items, and the divisor of their mean.
struct Formula {
    losses: Vec<f64>,
    divisor: f64,
}

impl Formula {
    fn plain(losses: Vec<f64>) -> Self {
        Self { divisor: losses.len() as f64, losses }
    }

    fn reduced(&self, reduction: Reduction) -> Vec<f64> {
        match reduction {
            Reduction::None => self.losses.clone(),
            Reduction::Mean => vec![self.losses.iter().sum::<f64>() / self.divisor],
            Reduction::Sum => vec![self.losses.iter().sum()],
        }
    }
}

#[track_caller]
fn assert_formula(loss: &impl Loss, output: &Tensor, target: &Target, want: &Formula) {
    for reduction in REDUCTIONS {
        let got = loss.loss(output, target, reduction).expect("output and target fit");
        assert_close(&format!("{} {reduction:?}", loss.name()), &f64s(&got), &want.reduced(reduction), 1e-12, 1.0);
        assert_eq!(got.dim() > 0, reduction == Reduction::None);
    }
}

/// log softmax over dimension 1 of `[n, c, d…]`, as `[n·d…][c]`.
fn log_softmax(output: &Tensor) -> Vec<Vec<f64>> {
    let classes = output.size()[1];
    let rows = f64s(&output.movedim_int(1, -1).contiguous());
    let row = |row: &[f64]| {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = largest + row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln();
        row.iter().map(|x| x - log_sum).collect()
    };
    rows.chunks(classes as usize).map(row).collect()
}

/// Cross-entropy with all options: class weights, an ignored index, and label smoothing as in `PyTorch` (smoothed losses are
/// weighted too and averaged over classes, and the mean divides by the weights of the true classes).
fn cross_entropy(output: &Tensor, indices: &[i64], weight: &[f64], ignore: i64, smoothing: f64) -> Formula {
    let count = weight.len() as f64;
    let loss = |(logs, &class): (Vec<f64>, &i64)| {
        if class == ignore {
            return (0.0, 0.0);
        }
        let class = class as usize;
        let spread: f64 = logs.iter().zip(weight).map(|(log, weight)| -log * weight / count).sum();
        ((1.0 - smoothing) * -logs[class] * weight[class] + smoothing * spread, weight[class])
    };
    let (losses, weights): (Vec<_>, Vec<_>) = log_softmax(output).into_iter().zip(indices).map(loss).unzip();
    Formula { losses, divisor: weights.iter().sum() }
}

fn i64s(tensor: &Tensor) -> Vec<i64> {
    Vec::try_from(tensor.flatten(0, -1)).expect("indices")
}

#[test]
fn cross_entropy_is_its_formula_for_rows_and_for_positions() {
    for (shape, positions) in [(vec![6, 4], vec![6]), (vec![3, 4, 5], vec![3, 5]), (vec![2, 4, 3, 2], vec![2, 3, 2])] {
        let (output, y) = (random(&shape, Kind::Double, 1), classes(&positions, 4, 2));
        let want = cross_entropy(&output, &i64s(&y), &[1.0; 4], -100, 0.0);
        assert_formula(&CrossEntropy::default(), &output, &Target::from(y), &want);
    }
}

#[test]
fn cross_entropy_takes_weights_an_ignored_index_and_smoothing() {
    let (output, y) = (random(&[8, 3], Kind::Double, 1), classes(&[8], 3, 2));
    let weights = [0.5, 1.0, 3.0];
    for (ignore, smoothing) in [(-100, 0.0), (1, 0.0), (-100, 0.2), (1, 0.2)] {
        let weight = Some(Tensor::from_slice(&weights));
        let loss = CrossEntropy { weight, ignore_index: ignore, label_smoothing: smoothing };
        let want = cross_entropy(&output, &i64s(&y), &weights, ignore, smoothing);
        assert_formula(&loss, &output, &Target::from(y.shallow_clone()), &want);
    }
}

#[test]
fn cross_entropy_takes_soft_labels_of_the_outputs_shape() {
    let output = random(&[5, 3], Kind::Double, 1);
    let y = random(&[5, 3], Kind::Double, 2).softmax(1, Kind::Double);
    let soft = f64s(&y);
    let losses = log_softmax(&output)
        .into_iter()
        .zip(soft.chunks(3))
        .map(|(logs, y)| logs.iter().zip(y).map(|(log, y)| -log * y).sum());
    assert_formula(&CrossEntropy::default(), &output, &Target::Dense(y), &Formula::plain(losses.collect()));
}

#[test]
fn label_smoothing_is_szegedys_formula_for_labels_and_for_one_hot_rows() {
    // (1−ε)·H(q, p) + ε·H(u, p), where u is the uniform distribution: arXiv:1512.00567, section 7.
    let (output, y) = (random(&[7, 5], Kind::Double, 1), classes(&[7], 5, 2));
    let own = |logs: &[f64], class: i64| -0.9 * logs[class as usize] - 0.1 * logs.iter().sum::<f64>() / 5.0;
    let losses = log_softmax(&output).iter().zip(i64s(&y)).map(|(logs, class)| own(logs, class)).collect();
    let want = Formula::plain(losses);
    let smoothed = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
    assert_formula(&smoothed, &output, &Target::from(y.shallow_clone()), &want);
    assert_formula(&smoothed, &output, &Target::Dense(y.one_hot(5).to_kind(Kind::Double)), &want);
}

#[test]
fn a_label_smoothing_outside_of_0_to_1_is_rejected() {
    let (output, y) = (random(&[2, 3], Kind::Double, 1), Target::from(classes(&[2], 3, 2)));
    for smoothing in [-0.1, 1.1, f64::NAN] {
        let loss = CrossEntropy { label_smoothing: smoothing, ..CrossEntropy::default() };
        assert_says(&refused(&loss, &output, &y).1, &["label smoothing", "between 0 and 1"]);
        let [first, second] = [(); 2].map(|()| Box::new(y.shallow_clone()));
        let mixed = Target::Mixed { first, second, weight: Tensor::from_slice(&[0.5, 1.0]) };
        assert_says(&refused(&MixUpLoss::new(LossFunc::new(loss)), &output, &mixed).1, &["between 0 and 1"]);
    }
}

#[test]
fn nll_is_minus_the_log_probability_of_the_class() {
    for (shape, positions) in [(vec![6, 4], vec![6]), (vec![3, 4, 5], vec![3, 5])] {
        let output = random(&shape, Kind::Double, 1).log_softmax(1, Kind::Double);
        let y = classes(&positions, 4, 2);
        let plain = cross_entropy(&output, &i64s(&y), &[1.0; 4], -100, 0.0);
        assert_formula(&Nll::default(), &output, &Target::from(y.shallow_clone()), &plain);
        let weights = [1.0, 2.0, 0.25, 4.0];
        let loss = Nll { weight: Some(Tensor::from_slice(&weights)), ignore_index: 2 };
        assert_formula(
            &loss,
            &output,
            &Target::from(y.shallow_clone()),
            &cross_entropy(&output, &i64s(&y), &weights, 2, 0.0),
        );
    }
}

#[test]
fn binary_cross_entropy_is_its_formula_with_weights() {
    let (output, y) = (random(&[4, 3], Kind::Double, 1), random(&[4, 3], Kind::Double, 2).sigmoid());
    let (weights, positive) = ([1.0, 0.5, 2.0], [3.0, 1.0, 0.1]);
    let formula = |weights: [f64; 3], positive: [f64; 3]| {
        let loss = |(at, (x, y)): (usize, (f64, f64))| {
            let p = 1.0 / (1.0 + (-x).exp());
            -weights[at % 3] * (positive[at % 3] * y * p.ln() + (1.0 - y) * (1.0 - p).ln())
        };
        Formula::plain(f64s(&output).into_iter().zip(f64s(&y)).enumerate().map(loss).collect())
    };
    let target = Target::Dense(y.shallow_clone());
    assert_formula(&BceWithLogits::default(), &output, &target, &formula([1.0; 3], [1.0; 3]));
    let loss =
        BceWithLogits { weight: Some(Tensor::from_slice(&weights)), pos_weight: Some(Tensor::from_slice(&positive)) };
    assert_formula(&loss, &output, &target, &formula(weights, positive));
}

#[test]
fn the_mean_squared_error_is_its_formula() {
    for shape in [vec![6], vec![6, 1], vec![2, 3, 4]] {
        let (output, y) = (random(&shape, Kind::Double, 1), random(&shape, Kind::Double, 2));
        let losses = f64s(&output).iter().zip(f64s(&y)).map(|(x, y)| (x - y) * (x - y)).collect();
        assert_formula(&Mse, &output, &Target::Dense(y), &Formula::plain(losses));
    }
}

#[test]
fn closures_are_loss_functions_for_the_whole_batch_or_for_each_item() {
    let (output, y) = (random(&[6], Kind::Double, 1), random(&[6], Kind::Double, 2));
    let want = Formula::plain(f64s(&output).iter().zip(f64s(&y)).map(|(x, y)| (x - y).abs()).collect());
    let target = Target::Dense(y);
    let whole = |output: &Tensor, target: &Target, reduction: Reduction| -> Result<Tensor, TchError> {
        reduction.of(&output.f_sub(target.tensor())?.f_abs()?)
    };
    assert_formula(&whole, &output, &target, &want);
    let item = |output: &Tensor, target: &Target| (output - target.tensor()).abs();
    assert_formula(&per_item(item), &output, &target, &want);

    let refuses = |_: &Tensor, _: &Target, _: Reduction| Err::<Tensor, BoxError>("no use for this".into());
    assert_eq!(refuses.loss(&output, &target, Reduction::Mean).expect_err("it refuses").to_string(), "no use for this");
}

#[test]
fn each_loss_knows_the_activation_for_predictions() {
    let output = random(&[2, 3, 2], Kind::Double, 1);
    let activated = |loss: LossFunc| f64s(&MixUpLoss::new(loss).activation(&output).expect("it is numbers"));
    let softmax = f64s(&output.softmax(1, Kind::Double));
    assert_eq!(activated(LossFunc::new(CrossEntropy::default())), softmax);
    assert_eq!(activated(LossFunc::new(Nll::default())), f64s(&output.exp()));
    assert_eq!(activated(LossFunc::new(BceWithLogits::default())), f64s(&output.sigmoid()));
    assert_eq!(activated(LossFunc::new(Mse)), f64s(&output));
    assert_eq!(activated(LossFunc::new(per_item(|output: &Tensor, _: &Target| output.shallow_clone()))), f64s(&output));
}

#[test]
fn a_loss_function_is_the_same_only_as_its_clones() {
    let (one, other) = (LossFunc::new(Mse), LossFunc::new(Mse));
    assert!(one.is_same(&one.clone()));
    assert!(!one.is_same(&other));
    assert_eq!(one.with(|_: &Mse| 1), Some(1));
    assert_eq!(one.with(|_: &CrossEntropy| 1), None);
    let wrapped = LossFunc::new::<mixup::batch::AnyOutput>(MixUpLoss::new(one.clone()));
    assert_eq!(wrapped.with(|wrapper: &MixUpLoss| wrapper.inner().is_same(&one)), Some(true));
}

fn absolute(output: &Tensor, target: &Target) -> Tensor {
    (output - target.tensor()).abs()
}

#[test]
fn a_loss_has_the_name_of_its_type_and_a_wrapper_also_names_the_inner_one() {
    assert_eq!(LossFunc::new(CrossEntropy::default()).name(), "CrossEntropy");
    assert_eq!(LossFunc::new::<mixup::batch::AnyOutput>(MixUpLoss::new(LossFunc::new(Mse))).name(), "MixUpLoss(Mse)");
    assert_eq!(per_item(absolute).name(), "absolute");
    assert_eq!(per_item(|output: &Tensor, _: &Target| output.shallow_clone()).name(), "closure");
}

/// The error, as its own type and as its message.
#[track_caller]
fn refused(loss: &impl Loss, output: &Tensor, target: &Target) -> (LossError, String) {
    let error = loss.loss(output, target, Reduction::Mean).expect_err("this does not fit");
    let message = error.to_string();
    assert!(!message.contains('\n'), "more than one line: {message}");
    (*error.downcast().expect("a LossError"), message)
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| message.contains(part)), "«{message}» does not say {parts:?}");
}

#[test]
fn the_error_for_shapes_that_do_not_fit_names_them() {
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    let indices = |shape: &[i64]| Target::from(Tensor::zeros(shape, (Kind::Int64, Device::Cpu)));
    let (ce, nll, bce) = (CrossEntropy::default(), Nll::default(), BceWithLogits::default());
    let output = zeros(&[4, 3]);
    let cases = [
        refused(&ce, &output, &indices(&[5])),
        refused(&ce, &output, &indices(&[4, 1])),
        refused(&ce, &output, &Target::Dense(zeros(&[4]))),
        refused(&ce, &zeros(&[4]), &indices(&[])),
        refused(&nll, &output, &indices(&[3])),
        refused(&bce, &output, &Target::Dense(zeros(&[4]))),
        refused(&Mse, &zeros(&[4, 1]), &Target::Dense(zeros(&[4]))),
    ];
    for (error, message) in cases {
        let LossError::Shapes { output, target, .. } = error else { panic!("{message}") };
        assert_says(&message, &[&format!("the output is {output:?} and the target {target:?}")]);
    }
}

#[test]
fn the_error_for_targets_of_another_kind_names_the_kind() {
    let output = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
    let dense = || Target::Dense(output.shallow_clone());
    let indices = || Target::from(Tensor::from_slice(&[0_i64, 1]));
    let mixed = || Target::Mixed {
        first: Box::new(dense()),
        second: Box::new(dense()),
        weight: Tensor::from_slice(&[0.5_f32, 1.0]),
    };
    assert_says(&refused(&Mse, &output, &indices()).1, &["Mse", "dense values", "class indices"]);
    assert_says(&refused(&BceWithLogits::default(), &output, &indices()).1, &["BceWithLogits", "one-hot"]);
    assert_says(&refused(&Nll::default(), &output, &dense()).1, &["Nll", "class indices (i64)", "dense values"]);
    let several = Target::several([indices(), dense()]).expect("two items each");
    for (error, message) in [
        refused(&CrossEntropy::default(), &output, &several),
        refused(&Nll::default(), &output, &several),
        refused(&BceWithLogits::default(), &output, &several),
        refused(&Mse, &output, &several),
    ] {
        assert!(matches!(error, LossError::Targets { wanted: 1, got: 2, .. }));
        assert_says(&message, &["judges one target, and the batch has 2", "MultiTask"]);
    }
    for (error, message) in [
        refused(&CrossEntropy::default(), &output, &mixed()),
        refused(&Nll::default(), &output, &mixed()),
        refused(&BceWithLogits::default(), &output, &mixed()),
        refused(&Mse, &output, &mixed()),
    ] {
        assert!(matches!(error, LossError::TargetKind { got: "mixed", .. }));
        assert_says(&message, &["MixUpLoss"]);
    }
}

#[test]
fn the_error_for_a_class_without_a_score_names_it() {
    for (shape, positions) in [(vec![2, 3], vec![2]), (vec![2, 3, 2], vec![2, 2])] {
        let output = random(&shape, Kind::Float, 1);
        for wrong in [3, -1, 100_003] {
            let indices = classes(&positions, 3, 1);
            let _ = indices.flatten(0, -1).get(1).fill_(wrong);
            let target = Target::from(indices);
            for (error, message) in
                [refused(&CrossEntropy::default(), &output, &target), refused(&Nll::default(), &output, &target)]
            {
                assert!(matches!(error, LossError::Class { class, classes: 3, .. } if class == wrong), "{message}");
                assert_says(&message, &[&format!("class index {wrong}"), "3 classes: 0 to 2"]);
            }
        }
    }
}

#[test]
fn a_half_precision_target_does_not_make_the_loss_half_precision()
-> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let output = Tensor::from_slice(&[0.3_f32, -1.2]);
    let target = Target::Dense(Tensor::from_slice(&[1.0_f32, 0.0]).to_kind(tch::Kind::Half));
    for loss in [Box::new(Mse) as Box<dyn Loss>, Box::new(BceWithLogits::default())] {
        assert_eq!(loss.loss(&output, &target, Reduction::Mean)?.kind(), tch::Kind::Float);
    }
    Ok(())
}
