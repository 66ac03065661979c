//! Compares mixed losses and their gradients with the formula λ·loss(output, first) + (1−λ)·loss(output, second), computed item
//! by item and reduced only then. Also tests which losses need one call for it.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "small counts become numbers; what must be the same to the bit is compared so"
)]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use mixup::{error::BoxError, loss::LossError, prelude::*};
use proptest::prelude::*;
use tch::{Kind, Tensor};

mod numbers;
use numbers::{assert_close, classes, f64s, random};

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

fn mixed(first: &Target, second: &Target, weight: &Tensor) -> Target {
    let boxed = |target: &Target| Box::new(target.shallow_clone());
    Target::Mixed { first: boxed(first), second: boxed(second), weight: weight.shallow_clone() }
}

/// The mixed loss by the formula.
fn by_two_calls(
    loss: &LossFunc,
    output: &Tensor,
    [first, second]: [&Target; 2],
    weight: &Tensor,
    reduction: Reduction,
) -> Tensor {
    let losses = |target| loss.loss(output, target, Reduction::None).expect("they fit");
    let mut shape = vec![1; losses(first).dim()];
    shape[0] = -1;
    let weight = weight.to_kind(output.kind()).reshape(shape);
    reduction.of(&(&weight * losses(first) + (1.0 - &weight) * losses(second))).expect("numbers")
}

/// The gradient of the sum of the losses with respect to the output.
fn gradient(loss: &Tensor, output: &Tensor) -> Vec<f64> {
    let gradient = Tensor::f_run_backward(&[loss.sum(loss.kind())], &[output], true, false);
    f64s(&gradient.expect("it depends on the output")[0])
}

/// A loss function with an output and two targets for it, in one kind.
fn every_loss(n: i64, kind: Kind) -> Vec<(LossFunc, Tensor, Target, Target)> {
    let weight = || Some(Tensor::from_slice(&[0.5, 1.0, 3.0]).to_kind(kind));
    let indices = |seed| Target::from(classes(&[n], 3, seed));
    let rows = |seed| Target::Dense(random(&[n, 3], kind, seed).softmax(1, kind));
    let output = || random(&[n, 3], kind, 9);
    let smoothed = || CrossEntropy { weight: weight(), ignore_index: 1, label_smoothing: 0.1 };
    let positions = |seed| Target::from(classes(&[n, 4], 3, seed));
    let absolute = |output: &Tensor, target: &Target| (output - target.tensor()).abs();
    let ignoring = CrossEntropy { weight: weight(), ignore_index: 2, label_smoothing: 0.0 };
    let only_smoothed = || CrossEntropy { label_smoothing: 0.3, ..CrossEntropy::default() };
    let weighed = CrossEntropy { weight: weight(), ..only_smoothed() };
    vec![
        (LossFunc::new(CrossEntropy::default()), output(), indices(1), indices(2)),
        (LossFunc::new(CrossEntropy::default()), output(), rows(1), rows(2)),
        (LossFunc::new(smoothed()), output(), indices(1), indices(2)),
        (LossFunc::new(ignoring), output(), indices(1), indices(2)),
        (LossFunc::new(only_smoothed()), output(), indices(1), indices(2)),
        (LossFunc::new(only_smoothed()), output(), rows(1), rows(2)),
        (LossFunc::new(weighed), output(), rows(1), rows(2)),
        (LossFunc::new(smoothed()), random(&[n, 3, 4], kind, 9), positions(1), positions(2)),
        (LossFunc::new(CrossEntropy::default()), random(&[n, 3, 4], kind, 9), positions(1), positions(2)),
        (
            LossFunc::new(Nll { weight: weight(), ignore_index: -100 }),
            output().log_softmax(1, kind),
            indices(1),
            indices(2),
        ),
        (LossFunc::new(BceWithLogits { weight: weight(), pos_weight: weight() }), output(), rows(1), rows(2)),
        (LossFunc::new(Mse), output(), rows(1), rows(2)),
        (LossFunc::new(per_item(absolute)), output(), rows(1), rows(2)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The loss is λ·loss(output, first) + (1−λ)·loss(output, second), computed item by item and reduced after that, and so is its gradient.
    #[test]
    fn a_mixed_loss_is_the_weighted_sum_of_both_for_every_loss_and_reduction(
        weights in prop::collection::vec(0.0..=1.0, 1..9)
    ) {
        for (kind, close) in [(Kind::Double, 1e-12), (Kind::Float, 1e-6)] {
            for (loss, output, first, second) in every_loss(weights.len() as i64, kind) {
                let output = output.detach().set_requires_grad(true);
                let weight = Tensor::from_slice(&weights);
                // A rounding difference is relative to what was rounded: the losses before they are weighted, and the scores
                // that they add up (in a binary cross-entropy, (1 − y)·x and more).
                let single = [&first, &second].map(|target| loss.loss(&output, target, Reduction::None).expect("it fits"));
                let largest = single.iter().flat_map(f64s).chain([2.0 * output.abs().max().double_value(&[])]);
                let largest = largest.fold(1.0_f64, |largest, number| largest.max(number.abs()));
                for reduction in REDUCTIONS {
                    let want = by_two_calls(&loss, &output, [&first, &second], &weight, reduction);
                    let got = MixUpLoss::new(loss.clone()).loss(&output, &mixed(&first, &second, &weight), reduction);
                    let got = got.expect("they fit");
                    let what = format!("{loss:?}, {kind:?}, {reduction:?}");
                    prop_assert_eq!(got.kind(), kind);
                    prop_assert_eq!(got.size(), want.size());
                    let scale = if reduction == Reduction::Sum { largest * weights.len() as f64 } else { largest };
                    assert_close(&what, &f64s(&got), &f64s(&want), close, scale);
                    assert_close(&what, &gradient(&got, &output), &gradient(&want, &output), close, largest);
                }
            }
        }
    }
}

/// More classes than are computed one by one.
#[test]
fn a_mixed_loss_of_thousands_of_classes_is_the_weighted_sum_too() {
    let (n, many) = (16, 5_000);
    let weights = random(&[n], Kind::Float, 3).sigmoid();
    let [first, second] = [1, 2].map(|seed| Target::from(classes(&[n], many, seed)));
    let ignore_index = first.tensor().int64_value(&[3]);
    let weighed = || Some(random(&[many], Kind::Float, 4).sigmoid());
    for (label_smoothing, weight) in [(0.0, None), (0.0, weighed()), (0.1, None), (0.1, weighed())] {
        let what = format!("{label_smoothing}, {}", weight.is_some());
        let loss = LossFunc::new(CrossEntropy { weight, ignore_index, label_smoothing });
        let output = random(&[n, many], Kind::Float, 9).set_requires_grad(true);
        for reduction in REDUCTIONS {
            let want = by_two_calls(&loss, &output, [&first, &second], &weights, reduction);
            let got = MixUpLoss::new(loss.clone()).loss(&output, &mixed(&first, &second, &weights), reduction);
            let got = got.expect("they fit");
            let what = format!("{what}, {reduction:?}");
            assert_close(&what, &f64s(&got), &f64s(&want), 1e-6, 200.0);
            assert_close(&what, &gradient(&got, &output), &gradient(&want, &output), 1e-6, 1.0);
        }
    }
}

#[test]
fn a_plain_target_has_the_inner_loss() {
    for (loss, output, target, _) in every_loss(5, Kind::Double) {
        for reduction in REDUCTIONS {
            let plain = loss.loss(&output, &target, reduction).expect("they fit");
            let wrapped = MixUpLoss::new(loss.clone()).loss(&output, &target, reduction).expect("they fit");
            assert_eq!(f64s(&plain), f64s(&wrapped), "{loss:?}");
        }
    }
}

#[test]
fn weights_of_f32_weigh_losses_of_every_kind() {
    for kind in [Kind::Half, Kind::BFloat16, Kind::Float, Kind::Double] {
        let y = |seed| Box::new(Target::Dense(random(&[4, 2], kind, seed)));
        let mixed = Target::Mixed { first: y(1), second: y(2), weight: Tensor::from_slice(&[0.5_f32, 0.6, 0.7, 1.0]) };
        let got = MixUpLoss::new(LossFunc::new(Mse)).loss(&random(&[4, 2], kind, 3), &mixed, Reduction::None);
        assert_eq!(got.expect("they fit").kind(), kind);
    }
}

/// A loss that is linear in its target, and that records the target's kind.
struct SeesKind(Arc<Mutex<Option<Kind>>>);

impl Loss for SeesKind {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        *self.0.lock().expect("no thread panicked") = Some(target.tensor().kind());
        Ok(reduction.of(&(output * target.tensor()).sum_dim_intlist(1, false, None))?)
    }

    fn linear_in_target(&self) -> bool {
        true
    }
}

#[test]
fn targets_are_mixed_in_the_widest_kind_of_them_and_the_output() {
    let kinds = [
        ([Kind::Float, Kind::Double, Kind::Float], Kind::Double),
        ([Kind::Float, Kind::Float, Kind::Double], Kind::Double),
        ([Kind::Double, Kind::Float, Kind::Float], Kind::Double),
        ([Kind::Double, Kind::Half, Kind::Half], Kind::Double),
        ([Kind::Half, Kind::Float, Kind::Half], Kind::Float),
        ([Kind::Half, Kind::BFloat16, Kind::Half], Kind::Float),
        ([Kind::Half, Kind::Half, Kind::Half], Kind::Half),
    ];
    for ([output, first, second], expected) in kinds {
        let target = |kind, seed| Target::Dense(random(&[2, 3], kind, seed));
        let mixed = mixed(&target(first, 1), &target(second, 2), &Tensor::from_slice(&[0.5_f32, 0.7]));
        let seen = Arc::default();
        let loss = MixUpLoss::new(LossFunc::new(SeesKind(Arc::clone(&seen))));
        let _ = loss.loss(&random(&[2, 3], output, 3), &mixed, Reduction::None).expect("they fit");
        let seen = *seen.lock().expect("no thread panicked");
        assert_eq!(seen, Some(expected), "an output of {output:?}, targets of {first:?} and {second:?}");
    }
}

#[test]
fn losses_that_promise_to_be_linear_are_linear_and_the_squared_error_is_not() {
    let weight = Tensor::from_slice(&[0.9, 0.6, 0.2, 0.0, 1.0]);
    let mut linear = 0;
    for (loss, output, first, second) in every_loss(5, Kind::Double) {
        let (Target::Dense(a), Target::Dense(b)) = (&first, &second) else { continue };
        let blend = Target::Dense(b.lerp_tensor(a, &weight.unsqueeze(1)));
        for reduction in REDUCTIONS {
            let one = f64s(&loss.loss(&output, &blend, reduction).expect("they fit"));
            let two = f64s(&by_two_calls(&loss, &output, [&first, &second], &weight, reduction));
            let apart = one.iter().zip(&two).map(|(one, two)| (one - two).abs()).fold(0.0, f64::max);
            assert_eq!(apart < 1e-12, loss.linear_in_target(), "{loss:?}, {reduction:?}: {apart}");
            assert_eq!(
                Loss::<Tensor>::linear_in_target(&MixUpLoss::new(loss.clone())),
                loss.linear_in_target(),
                "{loss:?}"
            );
        }
        linear += usize::from(loss.linear_in_target());
    }
    assert_eq!(linear, 4, "cross-entropy in three ways, and binary cross-entropy");
}

/// Counts the calls of the loss function inside.
struct Counted<L> {
    inner: L,
    calls: Arc<AtomicUsize>,
}

impl<L: Loss> Loss for Counted<L> {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.inner.loss(output, target, reduction)
    }

    fn linear_in_target(&self) -> bool {
        self.inner.linear_in_target()
    }
}

/// How many calls a mixed loss takes.
fn calls(inner: impl Loss, output: &Tensor, first: &Target, second: &Target) -> usize {
    let calls = Arc::new(AtomicUsize::new(0));
    let loss = MixUpLoss::new(LossFunc::new(Counted { inner, calls: calls.clone() }));
    let weight = Tensor::from_slice(&[0.9, 0.6, 0.2]);
    let _ = loss.loss(output, &mixed(first, second, &weight), Reduction::Mean).expect("they fit");
    calls.load(Ordering::Relaxed)
}

#[test]
fn linear_losses_are_called_once_for_dense_targets_and_all_others_twice() {
    let output = random(&[3, 2], Kind::Double, 1);
    let rows = |seed| Target::Dense(random(&[3, 2], Kind::Double, seed).softmax(1, Kind::Double));
    let absolute = |output: &Tensor, target: &Target| (output - target.tensor()).abs();
    let product = |output: &Tensor, target: &Target| output * target.tensor();
    assert_eq!(calls(CrossEntropy::default(), &output, &rows(1), &rows(2)), 1);
    assert_eq!(calls(BceWithLogits::default(), &output, &rows(1), &rows(2)), 1);
    assert_eq!(calls(per_item(product).linear(), &output, &rows(1), &rows(2)), 1);
    assert_eq!(calls(per_item(product), &output, &rows(1), &rows(2)), 2);
    assert_eq!(calls(Mse, &output, &rows(1), &rows(2)), 2);
    assert_eq!(calls(per_item(absolute), &output, &rows(1), &rows(2)), 2);
    // Class indices are not numbers that can be mixed.
    let indices = |seed| Target::from(classes(&[3], 2, seed));
    assert_eq!(calls(CrossEntropy::default(), &output, &indices(1), &indices(2)), 2);
}

#[test]
fn a_wrapper_in_a_wrapper_has_the_same_result_as_one() {
    let weight = Tensor::from_slice(&[0.9, 0.6, 0.2, 0.5, 1.0]);
    for (loss, output, first, second) in every_loss(5, Kind::Double) {
        let twice = MixUpLoss::new(LossFunc::new::<mixup::batch::AnyOutput>(MixUpLoss::new(loss.clone())));
        let want = by_two_calls(&loss, &output, [&first, &second], &weight, Reduction::Mean);
        let got = twice.loss(&output, &mixed(&first, &second, &weight), Reduction::Mean).expect("they fit");
        assert_close(&format!("{loss:?}"), &f64s(&got), &f64s(&want), 1e-12, 1.0);
        // A target that is mixed twice has four weights.
        let deep = mixed(&mixed(&first, &second, &weight), &second, &weight);
        let want = by_two_calls(&loss, &output, [&first, &second], &(&weight * &weight), Reduction::Mean);
        let got = twice.loss(&output, &deep, Reduction::Mean).expect("they fit");
        assert_close(&format!("{loss:?}"), &f64s(&got), &f64s(&want), 1e-12, 1.0);
    }
}

#[test]
fn classes_and_labels_that_do_not_count_may_have_infinite_scores() {
    // Class 0 is masked: its probability is 0 and its loss infinite. No item has this label.
    let scores = [f64::NEG_INFINITY, 0.3, -1.0, f64::NEG_INFINITY, 2.0, 0.1];
    let output = Tensor::from_slice(&scores).reshape([2, 3]).set_requires_grad(true);
    let [first, second] = [[1_i64, -100], [2, -100]].map(|labels| Target::from(Tensor::from_slice(&labels)));
    let (loss, weight) = (LossFunc::new(CrossEntropy::default()), Tensor::from_slice(&[0.75, 0.6]));
    for reduction in REDUCTIONS {
        let want = by_two_calls(&loss, &output, [&first, &second], &weight, reduction);
        let got = MixUpLoss::new(loss.clone()).loss(&output, &mixed(&first, &second, &weight), reduction);
        let got = got.expect("they fit");
        assert!(f64s(&got).iter().all(|loss| loss.is_finite()), "{reduction:?}: {got:?}");
        assert_close(&format!("{reduction:?}"), &f64s(&got), &f64s(&want), 1e-12, 1.0);
        assert_close("gradient", &gradient(&got, &output), &gradient(&want, &output), 1e-12, 1.0);
    }
    // Only the ignored item has an infinite score, and smoothing does not count it.
    let scores = [0.5, 0.3, -1.0, f64::NEG_INFINITY, 2.0, 0.1];
    let output = Tensor::from_slice(&scores).reshape([2, 3]);
    let smoothed = LossFunc::new(CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() });
    for reduction in REDUCTIONS {
        let want = by_two_calls(&smoothed, &output, [&first, &second], &weight, reduction);
        let got = MixUpLoss::new(smoothed.clone()).loss(&output, &mixed(&first, &second, &weight), reduction);
        assert_close("smoothed", &f64s(&got.expect("they fit")), &f64s(&want), 1e-12, 1.0);
    }
}

#[test]
fn the_weights_may_require_a_gradient() {
    let (output, weight) = (random(&[3, 4], Kind::Double, 1), Tensor::from_slice(&[0.9, 0.6, 0.2]));
    let weight = weight.set_requires_grad(true);
    let (first, second) = (Target::from(classes(&[3], 4, 1)), Target::from(classes(&[3], 4, 2)));
    let loss = LossFunc::new(CrossEntropy::default());
    let want = by_two_calls(&loss, &output, [&first, &second], &weight, Reduction::Mean);
    let got = MixUpLoss::new(loss).loss(&output, &mixed(&first, &second, &weight), Reduction::Mean);
    let got = got.expect("they fit");
    assert_close("gradient", &gradient(&got, &weight), &gradient(&want, &weight), 1e-12, 1.0);
}

#[test]
fn the_error_for_mixed_labels_without_a_score_names_them() {
    let many = 20_000;
    for (shape, positions) in [(vec![2, 3], vec![2]), (vec![2, 3, 2], vec![2, 2]), (vec![2, many], vec![2])] {
        let output = random(&shape, Kind::Float, 1);
        let fits = Target::from(classes(&positions, 3, 1));
        let weight = || Some(Tensor::ones([shape[1]], (Kind::Float, tch::Device::Cpu)));
        let losses = || {
            [
                LossFunc::new(CrossEntropy::default()),
                LossFunc::new(CrossEntropy { weight: weight(), ..CrossEntropy::default() }),
                LossFunc::new(Nll::default()),
            ]
        };
        for class in [shape[1], -1, 100_003] {
            let labels = classes(&positions, 3, 1);
            let _ = labels.flatten(0, -1).get(1).fill_(class);
            let wrong = Target::from(labels);
            for (first, second) in [(&wrong, &fits), (&fits, &wrong)] {
                for loss in losses() {
                    let target = mixed(first, second, &Tensor::from_slice(&[0.5_f32, 0.6]));
                    let (error, message) = refused(&MixUpLoss::new(loss), &output, &target);
                    assert!(
                        matches!(error, LossError::Class { class: found, classes, .. } if (found, classes) == (class, shape[1])),
                        "{message}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_error_for_class_weights_or_mixing_weights_of_a_wrong_number_names_it() {
    let output = random(&[2, 3], Kind::Float, 1);
    let y = Target::from(classes(&[2], 3, 1));
    let target = mixed(&y, &y, &Tensor::from_slice(&[0.5_f32, 0.6]));
    let weight = || Some(Tensor::from_slice(&[1.0_f32, 2.0]));
    for loss in [
        LossFunc::new(CrossEntropy { weight: weight(), ..CrossEntropy::default() }),
        LossFunc::new(Nll { weight: weight(), ..Nll::default() }),
    ] {
        let (error, message) = refused(&MixUpLoss::new(loss), &output, &target);
        assert!(matches!(error, LossError::ClassWeights { classes: 3, .. }), "{message}");
        assert!(message.contains("shape [2]") && message.contains("3 classes"), "{message}");
    }
    let target = mixed(&y, &y, &Tensor::from_slice(&[0.5_f32, 0.6, 0.7]));
    for loss in [LossFunc::new(CrossEntropy::default()), LossFunc::new(Nll::default())] {
        let (error, message) = refused(&MixUpLoss::new(loss), &output, &target);
        assert!(matches!(error, LossError::NotPerItem { items: 3, .. }), "{message}");
    }
}

#[test]
fn label_100_003_is_unchanged_in_half_precision() {
    // Half precision can't represent 100,003: the nearest number is infinity, and 99,840 in bf16.
    for kind in [Kind::Half, Kind::BFloat16] {
        let output = random(&[2, 100_005], kind, 1).set_requires_grad(true);
        let labels = |labels: [i64; 2]| Target::from(Tensor::from_slice(&labels));
        let target = mixed(&labels([100_003, 7]), &labels([100_004, 2_049]), &Tensor::from_slice(&[0.75_f32, 0.5]));
        let loss = MixUpLoss::new(LossFunc::new(CrossEntropy::default())).loss(&output, &target, Reduction::Sum);
        loss.expect("they fit").to_kind(Kind::Float).backward();
        // The gradient is softmax minus label: about 1e-5 everywhere except at the labels.
        let gradient = f64s(&output.grad());
        let found: Vec<_> = gradient.iter().enumerate().filter(|(_, number)| **number < -0.1).collect();
        let places: Vec<_> = found.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [100_003, 100_004, 100_005 + 7, 100_005 + 2_049], "{kind:?}");
        let shares: Vec<_> = found.iter().map(|(_, share)| -**share).collect();
        assert_close("shares", &shares, &[0.75, 0.25, 0.5, 0.5], 1e-2, 0.0);
    }
}

#[test]
fn a_half_precision_target_is_mixed_without_loss() {
    // 0.7·1 + 0.3·0 can't be represented exactly in half precision, but the output's kind is f32.
    let output = random(&[1, 2], Kind::Float, 1);
    let rows = |rows: [f32; 2]| Target::Dense(Tensor::from_slice(&rows).reshape([1, 2]).to_kind(Kind::Half));
    let (first, second, weight) = (rows([1.0, 0.0]), rows([0.0, 1.0]), Tensor::from_slice(&[0.7_f32]));
    for loss in [LossFunc::new(CrossEntropy::default()), LossFunc::new(BceWithLogits::default())] {
        let want = by_two_calls(&loss, &output, [&first, &second], &weight, Reduction::Mean);
        let got = MixUpLoss::new(loss).loss(&output, &mixed(&first, &second, &weight), Reduction::Mean);
        assert_close("loss", &f64s(&got.expect("they fit")), &f64s(&want), 1e-6, 1.0);
    }
}

#[test]
fn a_loss_that_does_not_keep_the_items_apart_cannot_be_mixed() {
    let y = || Box::new(Target::Dense(random(&[4], Kind::Float, 1)));
    let target = Target::Mixed { first: y(), second: y(), weight: Tensor::from_slice(&[0.5_f32; 4]) };
    let output = random(&[4], Kind::Float, 2);
    let scalar =
        |output: &Tensor, target: &Target, _: Reduction| output.f_mse_loss(target.tensor(), tch::Reduction::Mean);
    let halves = |output: &Tensor, _: &Target, _: Reduction| output.f_narrow(0, 0, 2);
    for (loss, shape) in [(LossFunc::new(scalar), "[]"), (LossFunc::new(halves), "[2]")] {
        let (error, message) = refused(&MixUpLoss::new(loss), &output, &target);
        assert!(matches!(error, LossError::NotPerItem { items: 4, .. }));
        assert!(
            message.contains(&format!("shape {shape} for 4 items")) && message.contains("Reduction::None"),
            "{message}"
        );
    }
}

#[track_caller]
fn refused(loss: &impl Loss, output: &Tensor, target: &Target) -> (LossError, String) {
    let error = loss.loss(output, target, Reduction::Mean).expect_err("this does not fit");
    let message = error.to_string();
    (*error.downcast().expect("a LossError"), message)
}
