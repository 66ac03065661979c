//! What can't be mixed is rejected in a sentence with its numbers, and the batch is unchanged.

use mixup::{batch::with_fresh, callbacks::mixing::MixUpError, prelude::*};
use rand::SeedableRng as _;
use tch::{Device, Kind, Tensor};

use crate::numbers::{f64s, random};

/// The message for a batch that can't be mixed; the batch must be unchanged in kind, shape and numbers.
fn refused(mut mixup: MixUp, mut input: Input, mut target: Target, draws: &Draws) -> String {
    let of = |input: &Input, target: &Target| {
        let input: Vec<_> =
            input.tensors().into_iter().map(|tensor| (tensor.kind(), tensor.size(), f64s(tensor))).collect();
        (input, target.is_mixed(), target.tensor().kind(), f64s(target.tensor()))
    };
    let before = of(&input, &target);
    let error = mixup.mix(&mut input, &mut target, draws).expect_err("this can't be mixed");
    assert_eq!(of(&input, &target), before, "the batch was changed: {error}");
    error.to_string()
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| message.contains(part)), "«{message}» does not say {parts:?}");
    assert!(!message.contains('\n'), "more than one line: {message}");
}

fn two() -> Draws {
    Draws::new(vec![0.6, 0.7], vec![1, 0]).expect("a permutation")
}

fn x() -> Input {
    random(&[2, 3], Kind::Float, 1).into()
}

fn y() -> Target {
    Tensor::from_slice(&[4_i64, 5]).into()
}

#[test]
fn an_alpha_without_a_distribution_is_rejected() {
    for alpha in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = MixUp::new(alpha).expect_err("there is no such Beta distribution");
        assert!(matches!(error, MixUpError::Alpha { .. }));
        assert_says(&error.to_string(), &[&format!("alpha is {alpha}"), "finite alpha above 0"]);
        assert!(Draws::random(1, alpha, &mut Rng::seed_from_u64(0)).is_err());
    }
}

/// Whatever libtorch says about them, fresh or not, and again when a buffer may exist.
#[test]
fn sparse_inputs_are_an_error_and_not_a_panic() {
    let dense = random(&[2, 3], Kind::Float, 1);
    for sparse in [dense.to_sparse_csr(None), dense.to_sparse(None, None::<&[i64]>, None), dense.to_mkldnn()] {
        let mut mixup = MixUp::default();
        for fresh in [&[][..], &[&sparse], &[]] {
            let (mut input, mut target) = (Input::from(sparse.shallow_clone()), y());
            with_fresh(fresh, || mixup.mix(&mut input, &mut target, &two())).expect_err("libtorch can't blend them");
        }
    }
}

#[test]
fn inputs_that_are_not_floating_numbers_are_rejected() {
    for kind in [Kind::Uint8, Kind::Int64, Kind::Bool] {
        let input = Input::from(Tensor::zeros([2, 3], (kind, Device::Cpu)));
        assert_says(&refused(MixUp::default(), input, y(), &two()), &[&format!("{kind:?}"), "to_kind(Kind::Float)"]);
    }
    let several = Input::from(vec![random(&[2, 1], Kind::Float, 1), Tensor::from_slice(&[1_i64, 2])]);
    assert_says(&refused(MixUp::default(), several, y(), &two()), &["Int64"]);
}

#[test]
fn targets_that_are_not_numbers_cannot_be_mixed_as_numbers() {
    let message = refused(MixUp::default().stack_y(false), x(), y(), &two());
    assert_says(&message, &["class indices", "stack_y", "one-hot"]);
    let integers = Target::Dense(Tensor::from_slice(&[1_i32, 2]));
    assert_says(&refused(MixUp::default().stack_y(false), x(), integers, &two()), &["Int can't be mixed", "floating"]);
}

#[test]
fn a_batch_without_items_is_rejected() {
    let none = Draws::new(vec![], vec![]).expect("no items, no draws");
    let empty = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    let target = || Target::from(Tensor::zeros([0], (Kind::Int64, Device::Cpu)));
    assert_says(&refused(MixUp::default(), empty(&[0, 3]).into(), target(), &none), &["empty"]);
    assert_says(&refused(MixUp::default(), Input::Tensors(vec![]), target(), &none), &["empty"]);
    assert_says(&refused(MixUp::default(), empty(&[]).into(), target(), &none), &["empty"]);
}

#[test]
fn lengths_that_differ_are_rejected() {
    let three = Target::from(Tensor::from_slice(&[1_i64, 2, 3]));
    assert_says(&refused(MixUp::default(), x(), three, &two()), &["2 inputs", "3 targets"]);

    let draws = Draws::new(vec![0.6; 3], vec![0, 1, 2]).expect("a permutation");
    assert_says(&refused(MixUp::default(), x(), y(), &draws), &["3 draws", "batch of 2"]);

    // Large items are mixed one by one: a partner out of range must not be read.
    for (short, item) in [(1, 3), (1, 20_000), (3, 3), (3, 20_000)] {
        let input = Input::from(vec![random(&[2, 3], Kind::Float, 1), random(&[short, item], Kind::Float, 2)]);
        let message = refused(MixUp::default(), input, y(), &two());
        assert_says(&message, &["first input tensor has 2 items", &format!("tensor 1 has {short}")]);
    }
}

#[test]
fn draws_that_are_not_usable_are_rejected() {
    let message = |lambdas, partners| Draws::new(lambdas, partners).expect_err("no draws").to_string();
    assert_says(&message(vec![0.5], vec![0, 1]), &["1 weights", "2 partners"]);
    assert_says(&message(vec![0.5, -0.1], vec![0, 1]), &["item 1", "-0.1", "between 0 and 1"]);
    assert_says(&message(vec![1.5, 0.5], vec![0, 1]), &["item 0", "1.5"]);
    assert_says(&message(vec![0.5, f64::NAN], vec![0, 1]), &["item 1", "NaN"]);
    assert_says(&message(vec![0.5; 3], vec![0, 2, 2]), &["permutation of 0 to 2", "item 2 has the partner 2"]);
    assert_says(&message(vec![0.5; 3], vec![0, 3, 1]), &["permutation of 0 to 2", "item 1 has the partner 3"]);
    assert_says(&message(vec![0.5], vec![usize::MAX]), &["item 0"]);
}

#[test]
fn a_batch_that_is_already_mixed_is_rejected() {
    let (mut input, mut target) = (x(), y());
    MixUp::default().mix(&mut input, &mut target, &two()).expect("the batch is whole");
    assert_says(&refused(MixUp::default(), input, target, &two()), &["mixed already"]);

    let (mut input, mut target) = (x(), y());
    MixUp::default().stack_x(true).mix(&mut input, &mut target, &two()).expect("the batch is whole");
    assert_says(&refused(MixUp::default(), input, y(), &two()), &["mixed already"]);
}

#[test]
fn stacking_several_input_tensors_is_rejected() {
    let several = Input::from(vec![random(&[2, 1], Kind::Float, 1), random(&[2, 2], Kind::Float, 2)]);
    assert_says(&refused(MixUp::default().stack_x(true), several, y(), &two()), &["stack_x", "the batch has 2"]);
}
