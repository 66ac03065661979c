//! Comparison with the results of fastai v1's own `MixUpCallback` and `MixUpLoss` on small batches, number by number.
//!
//! For each case, `golden/fastai_v1_mixup.json` holds the batch, the λ and the permutation that were drawn, and the results:
//! the mixed batch (with targets in fastai's packed layout), a model's output, and its losses under each reduction.
#![allow(clippy::cast_precision_loss, reason = "small counts become numbers")]

use std::collections::BTreeMap;

use mixup::prelude::*;
use serde::Deserialize;
use tch::{Kind, Tensor};

mod numbers;
use numbers::{assert_close, f64s};

/// A tensor in the format of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    kind: String,
    shape: Vec<i64>,
    data: Vec<f64>,
}

/// The model's input: one tensor, or three with `stack_x`.
#[derive(Deserialize)]
#[serde(untagged)]
enum MixedInput {
    One(Numbers),
    Stacked(Vec<Numbers>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    alpha: f64,
    stack_x: bool,
    stack_y: bool,
    input: Numbers,
    target: Numbers,
    beta_draws: Vec<f64>,
    perm: Vec<usize>,
    new_input: MixedInput,
    new_target: Numbers,
    output: Numbers,
    loss: BTreeMap<String, Numbers>,
    grad_of_mean_loss: Numbers,
    plain_target_loss: Option<Numbers>,
    loss_func_given_back_is_the_original: bool,
}

impl Numbers {
    fn tensor(&self) -> Tensor {
        let kind = match self.kind.as_str() {
            "float32" => Kind::Float,
            "int64" => Kind::Int64,
            other => panic!("the file has a tensor of {other}"),
        };
        Tensor::from_slice(&self.data).to_kind(kind).reshape(&self.shape)
    }

    #[track_caller]
    fn assert(&self, what: &str, got: &Tensor, scale: f64) {
        assert_eq!(got.size(), self.shape, "{what}");
        assert_eq!(got.kind(), Kind::Float, "{what}");
        assert_close(what, &f64s(got), &self.data, 1e-6, scale);
    }

    fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |largest, number| number.abs().max(largest))
    }
}

impl Case {
    /// The batch, mixed with the draws of the file.
    fn mixed(&self) -> (Input, Target) {
        self.mixed_with(self.stack_y)
    }

    fn mixed_with(&self, stack_y: bool) -> (Input, Target) {
        let mut input = Input::from(self.input.tensor());
        let mut target = Target::from(self.target.tensor());
        let draws = Draws::new(self.beta_draws.clone(), self.perm.clone()).expect("fastai drew a permutation");
        let mixup = MixUp::new(self.alpha).expect("alpha is 0.4");
        let mut mixup = mixup.stack_x(self.stack_x).stack_y(stack_y);
        mixup.mix(&mut input, &mut target, &draws).expect("fastai mixed it");
        (input, target)
    }

    /// The file does not name the loss functions: class indices and one-hot targets use cross-entropy, several labels per item
    /// use binary cross-entropy.
    fn loss_func(&self) -> LossFunc {
        if self.name.ends_with("multilabel") {
            LossFunc::new(BceWithLogits::default())
        } else {
            LossFunc::new(CrossEntropy::default())
        }
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("golden/fastai_v1_mixup.json")).expect("the file is as this test knows it")
}

#[test]
fn the_file_has_every_way_of_stacking_and_odd_even_and_single_batches() {
    let cases = cases();
    let ways: std::collections::BTreeSet<_> = cases.iter().map(|case| (case.stack_x, case.stack_y)).collect();
    assert_eq!(ways.into_iter().collect::<Vec<_>>(), [(false, false), (false, true), (true, true)]);
    let sizes: std::collections::BTreeSet<_> = cases.iter().map(|case| case.input.shape[0]).collect();
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [1, 4, 7, 16]);
    assert!(cases.iter().all(|case| case.loss_func_given_back_is_the_original));
}

#[test]
fn the_mixed_input_is_fastais() {
    for case in cases() {
        let (input, _) = case.mixed();
        let got = input.tensors();
        let want: Vec<&Numbers> = match &case.new_input {
            MixedInput::One(one) => vec![one],
            MixedInput::Stacked(three) => three.iter().collect(),
        };
        assert_eq!(matches!(input, Input::Stacked { .. }), case.stack_x, "{}", case.name);
        assert_eq!(got.len(), want.len(), "{}", case.name);
        for (got, want) in got.into_iter().zip(want) {
            want.assert(&case.name, got, case.input.largest());
        }
    }
}

#[test]
fn the_mixed_target_is_fastais_in_its_packed_layout() {
    for case in cases() {
        let (_, target) = case.mixed();
        assert_eq!(target.is_mixed(), case.stack_y, "{}", case.name);
        let got =
            if case.stack_y { target.packed().expect("one label per item") } else { target.tensor().shallow_clone() };
        case.new_target.assert(&case.name, &got, case.target.largest());
    }
}

#[test]
fn the_loss_is_fastais_under_each_reduction() {
    for case in cases() {
        let (_, target) = case.mixed();
        let loss = MixUpLoss::new(case.loss_func());
        let scale = case.loss["none"].largest();
        assert_eq!(case.loss.len(), 3, "{}", case.name);
        for (reduction, want) in &case.loss {
            let reduction = match reduction.as_str() {
                "mean" => Reduction::Mean,
                "sum" => Reduction::Sum,
                "none" => Reduction::None,
                other => panic!("the file has the reduction {other}"),
            };
            let got = loss.loss(&case.output.tensor(), &target, reduction).expect("fastai computed it");
            want.assert(&format!("{}, {reduction:?}", case.name), &got, scale);
        }
    }
}

#[test]
fn the_gradient_of_the_mean_loss_is_fastais() {
    for case in cases() {
        let (_, target) = case.mixed();
        let output = case.output.tensor().set_requires_grad(true);
        let loss =
            MixUpLoss::new(case.loss_func()).loss(&output, &target, Reduction::Mean).expect("fastai computed it");
        loss.backward();
        // A gradient is softmax minus label, or sigmoid minus label, divided by the number of losses: the size of its operands.
        let losses = case.loss["none"].data.len() as f64;
        case.grad_of_mean_loss.assert(&case.name, &output.grad(), 1.0 / losses);
    }
}

#[test]
fn the_losses_of_dense_targets_are_fastais_even_if_both_are_kept() {
    // fastai mixed these targets as numbers. These loss functions are linear in them, so both ways have the same result.
    let mut seen = 0;
    for case in cases().iter().filter(|case| !case.stack_y) {
        let (_, target) = case.mixed_with(true);
        assert!(target.is_mixed(), "{}", case.name);
        let output = case.output.tensor().set_requires_grad(true);
        let loss = MixUpLoss::new(case.loss_func());
        for (name, reduction) in [("none", Reduction::None), ("sum", Reduction::Sum), ("mean", Reduction::Mean)] {
            let got = loss.loss(&output, &target, reduction).expect("fastai computed it");
            case.loss[name].assert(&case.name, &got, case.loss["none"].largest());
        }
        loss.loss(&output, &target, Reduction::Mean).expect("fastai computed it").backward();
        let losses = case.loss["none"].data.len() as f64;
        case.grad_of_mean_loss.assert(&case.name, &output.grad(), 1.0 / losses);
        seen += 1;
    }
    assert_eq!(seen, 2, "one-hot rows, and several labels for each item");
}

#[test]
fn the_gradient_of_every_reduction_is_that_of_the_mean_times_what_it_divides_by() {
    for case in cases() {
        let (_, target) = case.mixed();
        let losses = case.loss["none"].data.len() as f64;
        for (reduction, times) in [(Reduction::Sum, losses), (Reduction::None, losses)] {
            let output = case.output.tensor().set_requires_grad(true);
            let loss = MixUpLoss::new(case.loss_func()).loss(&output, &target, reduction);
            loss.expect("fastai computed it").sum(Kind::Float).backward();
            let got = output.grad() / times;
            case.grad_of_mean_loss.assert(&format!("{}, {reduction:?}", case.name), &got, 1.0 / losses);
        }
    }
}

#[test]
fn a_plain_target_has_fastais_loss_inside_mixup_loss() {
    let mut seen = 0;
    for case in cases() {
        let Some(want) = &case.plain_target_loss else { continue };
        let target = Target::from(case.target.tensor());
        let loss = MixUpLoss::new(case.loss_func()).loss(&case.output.tensor(), &target, Reduction::Mean);
        want.assert(&case.name, &loss.expect("fastai computed it"), case.loss["none"].largest());
        seen += 1;
    }
    assert_eq!(seen, 5, "each case with class indices has one");
}

#[test]
fn a_target_that_is_not_mixed_or_has_several_numbers_per_item_has_no_packed_layout() {
    let plain = Target::from(Tensor::from_slice(&[3_i64, 7]));
    let error = plain.packed().expect_err("a plain target").to_string();
    assert!(error.contains("(class indices) has the shape [2]"), "{error}");

    let rows = || Box::new(Target::Dense(Tensor::zeros([2, 4], (Kind::Float, tch::Device::Cpu))));
    let mixed = Target::Mixed { first: rows(), second: rows(), weight: Tensor::from_slice(&[0.5_f32, 1.0]) };
    let error = mixed.packed().expect_err("four numbers per item").to_string();
    assert!(error.contains("(dense values) has the shape [2, 4]"), "{error}");
}
