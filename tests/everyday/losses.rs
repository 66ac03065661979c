//! Losses: the numbers and gradients of PyTorch, torchvision and fastai; mixing; settings out of range.

use std::collections::BTreeMap;

use mixup::{loss::Activation, prelude::*};
use serde::Deserialize;
use tch::{Kind, Tensor};

use crate::{
    numbers::{assert_close, classes, f64s, random},
    resumes,
    support::{data, on},
};

/// What `golden/losses.py` got.
#[derive(Deserialize)]
struct Golden {
    shape: Vec<i64>,
    output: Vec<f64>,
    target_shape: Vec<i64>,
    target: Vec<f64>,
    gradient: Vec<f64>,
    none: Vec<f64>,
    mean: Vec<f64>,
    sum: Vec<f64>,
}

fn golden(name: &str) -> Golden {
    let mut all: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("../golden/losses.json")).expect("the file is valid");
    all.remove(name).expect("the file has it")
}

#[track_caller]
fn assert_golden(name: &str, loss: &impl Loss, rel: f64) {
    let golden = golden(name);
    let output = Tensor::from_slice(&golden.output).reshape(&golden.shape).set_requires_grad(true);
    let target = Tensor::from_slice(&golden.target).reshape(&golden.target_shape);
    let target = Target::from(if golden.target_shape == golden.shape { target } else { target.to_kind(Kind::Int64) });
    let of = |reduction| loss.loss(&output, &target, reduction).expect("output and target fit");
    assert_close(name, &f64s(&of(Reduction::None)), &golden.none, rel, 1e-3);
    assert_close(name, &f64s(&of(Reduction::Sum)), &golden.sum, rel, 1e-3);
    let mean = of(Reduction::Mean);
    assert_close(name, &f64s(&mean), &golden.mean, rel, 1e-3);
    mean.backward();
    assert_close(name, &f64s(&output.grad()), &golden.gradient, rel, 1e-2);
    loss.check(&output, &target).unwrap();
}

#[test]
fn losses_and_gradients_are_those_of_pytorch_torchvision_and_fastai() {
    assert_golden("l1", &L1, 1e-9);
    assert_golden("huber", &Huber { delta: 0.7 }, 1e-9);
    assert_golden("smooth_l1", &Huber::default(), 1e-9);
    assert_golden("focal", &Focal { gamma: 1.5, ..Focal::default() }, 1e-9);
    assert_golden("focal_of_pixels", &Focal::default(), 1e-9);
    assert_golden("focal_with_logits", &FocalWithLogits::default(), 1e-9);
    assert_golden("focal_without_alpha", &FocalWithLogits { gamma: 1.5, alpha: None }, 1e-9);
    assert_golden("dice", &Dice::default(), 1e-6); // fastai computes it in `f32`
}

#[test]
fn class_weights_of_the_focal_loss_multiply_the_losses() {
    let (output, target) = (random(&[6, 3], Kind::Double, 1), classes(&[6], 3, 2));
    let weights = [0.5, 2.0, 3.0];
    let focal = Focal { weight: Some(Tensor::from_slice(&weights)), ..Focal::default() };
    let losses =
        |loss: &Focal| f64s(&loss.loss(&output, &Target::from(target.shallow_clone()), Reduction::None).unwrap());
    let of_classes = Vec::<i64>::try_from(&target).unwrap();
    let want =
        losses(&Focal::default()).into_iter().zip(of_classes).map(|(loss, class)| loss * weights[class as usize]);
    assert_close("weighted", &losses(&focal), &want.collect::<Vec<_>>(), 1e-12, 0.0);
}

#[test]
fn without_focusing_they_are_cross_entropy_and_a_perfect_output_has_finite_gradients() {
    let (output, target) = (random(&[6, 3], Kind::Double, 1), Target::from(classes(&[6], 3, 2)));
    let of = |loss: &dyn Loss| f64s(&loss.loss(&output, &target, Reduction::None).unwrap());
    assert_close("cross-entropy", &of(&Focal { gamma: 0.0, weight: None }), &of(&CrossEntropy::default()), 1e-12, 0.0);
    let sure = (Tensor::eye(3, (Kind::Float, tch::Device::Cpu)) * 1000.0).set_requires_grad(true);
    for gamma in [0.5, 2.0] {
        let loss = Focal { gamma, weight: None };
        loss.loss(&sure, &Target::from(Tensor::from_slice(&[0_i64, 1, 2])), Reduction::Mean).unwrap().backward();
        assert!(f64s(&sure.grad()).iter().all(|number| number.is_finite()));
        let loss = FocalWithLogits { gamma, alpha: None };
        loss.loss(&sure, &Target::from(Tensor::eye(3, (Kind::Float, tch::Device::Cpu))), Reduction::Mean)
            .unwrap()
            .backward();
        assert!(f64s(&sure.grad()).iter().all(|number| number.is_finite()));
    }
}

#[test]
fn a_mixed_loss_is_the_weighted_sum_of_those_of_both_targets() {
    #[track_caller]
    fn assert_mixed(loss: &impl Loss, output: &Tensor, first: &Target, second: &Target) {
        let weight = Tensor::from_slice(&[0.7, 0.2, 1.0, 0.5]);
        let of = |target: &Target| loss.loss(output, target, Reduction::None).unwrap();
        let (one, two) = (of(first), of(second));
        let shape = [vec![4], vec![1; one.dim() - 1]].concat();
        let lambda = weight.reshape(&shape);
        let want = &one * &lambda + two * (lambda * -1.0 + 1.0);
        let got = loss.mixed_loss(output, first, second, &weight, Reduction::None).unwrap();
        assert_close(&loss.name(), &f64s(&got), &f64s(&want), 1e-12, 1e-6);
        let mean = loss.mixed_loss(output, first, second, &weight, Reduction::Mean).unwrap();
        assert_close(&loss.name(), &f64s(&mean), &[f64s(&want).iter().sum::<f64>() / want.numel() as f64], 1e-12, 0.0);
    }

    let numbers = |seed| Target::from(random(&[4, 3], Kind::Double, seed));
    let labels = |seed| Target::from(classes(&[4, 3], 2, seed).to_kind(Kind::Double));
    let of_classes = |seed| Target::from(classes(&[4], 3, seed));
    let pixels = |seed| Target::from(classes(&[4, 5], 3, seed));
    let output = random(&[4, 3], Kind::Double, 9);
    assert_mixed(&L1, &output, &numbers(1), &numbers(2));
    assert_mixed(&Huber::default(), &output, &numbers(1), &numbers(2));
    assert_mixed(&Focal::default(), &output, &of_classes(1), &of_classes(2));
    assert_mixed(&FocalWithLogits::default(), &output, &labels(1), &labels(2));
    assert_mixed(&Dice::default(), &random(&[4, 3, 5], Kind::Double, 9), &pixels(1), &pixels(2));
}

#[test]
fn each_loss_knows_its_activation() {
    let known = [
        L1.known_activation(),
        Huber::default().known_activation(),
        Focal::default().known_activation(),
        FocalWithLogits::default().known_activation(),
        Dice::default().known_activation(),
    ];
    assert_eq!(
        known,
        [Activation::Identity, Activation::Identity, Activation::Softmax, Activation::Sigmoid, Activation::Softmax]
            .map(Some)
    );
    let output = random(&[2, 3], Kind::Double, 1);
    let summed = f64s(&Focal::default().activation(&output).unwrap().sum_dim_intlist(1_i64, false, Kind::Double));
    assert_close("softmax", &summed, &[1.0, 1.0], 1e-12, 0.0);
}

#[test]
fn what_does_not_fit_is_an_error_that_says_what_would_be_right() {
    let output = random(&[4, 3], Kind::Double, 1);
    let of_classes = Target::from(classes(&[4], 3, 2));
    let said = |loss: &dyn Loss, target: &Target| loss.loss(&output, target, Reduction::Mean).unwrap_err().to_string();
    let dense = Target::from(random(&[4, 3], Kind::Double, 2));
    assert_eq!(said(&Huber { delta: 0.0 }, &dense), "Huber's delta is 0: it must be above 0");
    assert_eq!(said(&Focal { gamma: -1.0, weight: None }, &of_classes), "Focal's gamma is -1: it must be at least 0");
    let alpha = FocalWithLogits { gamma: 2.0, alpha: Some(1.5) };
    assert_eq!(said(&alpha, &dense), "FocalWithLogits's alpha is 1.5: it must be from 0 to 1");
    assert!(said(&L1, &of_classes).contains("L1") && said(&L1, &of_classes).contains("dense values"));
    assert!(said(&Focal::default(), &dense).contains("class indices"));
    assert!(said(&Focal::default(), &Target::from(Tensor::from_slice(&[0_i64, 1, 2, 7]))).contains('7'));
    assert!(said(&Dice::default(), &of_classes).contains("with at least one `d`"));
}

#[test]
fn a_training_with_the_focal_loss_and_mixup_goes_on_after_a_break() {
    resumes(|| Ok(on(data(16, 5)).loss(Focal::default()).mixup().metric(accuracy).build()?), 2, 0.1);
}
