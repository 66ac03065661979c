//! Parameters and gradients in any order of memory, and parameters that share memory.

use mixup::prelude::*;
use tch::{Kind, Tensor};

use super::{Formula, Reference, backward, learner, numbers::assert_close, random, step, tensors};
use crate::f64s;

const FORMULA: Formula = Formula::Adam { decoupled: true, beta2: 0.99, eps: 1e-8 };

fn adamw() -> (AdamW, Hyper) {
    let mut opt = AdamW::default().wd(0.1);
    opt.set_lr(0.05);
    let hyper = *opt.hypers().last();
    (opt, hyper)
}

fn assert_is(param: &Tensor, reference: &Reference) {
    assert_close("a parameter", &f64s(param), &reference.numbers, 1e-12, 1.0);
}

#[test]
fn a_gradient_in_another_order_of_memory_belongs_to_the_same_numbers() {
    let param = random(&[4, 3, 2, 2], Kind::Double, 1);
    let (mut opt, hyper) = adamw();
    let learn = learner(&[param.shallow_clone()]);
    let mut reference = Reference::new(FORMULA, hyper, &param);
    for time in 2..6 {
        let grad = random(&[4, 3, 2, 2], Kind::Double, time);
        backward(&tensors(&learn), &[Some(grad.shallow_clone())]);
        // The parameter changes its order between the backward pass and the step, there and back.
        let mut own = tensors(&learn).swap_remove(0);
        let (order, back) = if time % 2 == 0 { ([0, 2, 3, 1], [0, 3, 1, 2]) } else { ([0, 1, 2, 3], [0, 1, 2, 3]) };
        own.set_data(&own.detach().permute(order).contiguous().permute(back));
        assert_ne!(own.stride(), own.grad().stride());
        opt.step(learn.params()).expect("a step");
        learn.params().zero_grad().expect("gradients can be dropped");
        reference.step(&grad);
        assert_is(&own, &reference);
    }
}

#[test]
fn parameters_that_share_memory_are_stepped_one_after_the_other() {
    let whole = random(&[6, 2], Kind::Double, 1);
    let (first, second, other) = (whole.narrow(0, 0, 4), whole.narrow(0, 2, 4), random(&[3], Kind::Double, 2));
    let (mut opt, hyper) = adamw();
    let learn = learner(&[first.shallow_clone(), second, other.shallow_clone()]);
    let mut of_other = Reference::new(FORMULA, hyper, &other);
    // The reference has both parameters' memories, and one set of numbers.
    let mut parts = [0, 4].map(|begin| (begin, Reference::new(FORMULA, hyper, &first)));
    let mut numbers = f64s(&whole);
    for time in 3..8 {
        let grads = [[4, 2], [4, 2]].map(|size| Some(random(&size, Kind::Double, time)));
        let [first, second] = grads;
        let grads = [first, second, Some(random(&[3], Kind::Double, time))];
        step(&learn, &mut opt, &grads);
        for ((begin, part), grad) in parts.iter_mut().zip(grads.iter().flatten()) {
            part.numbers.copy_from_slice(&numbers[*begin..*begin + 8]);
            part.step(grad);
            numbers[*begin..*begin + 8].copy_from_slice(&part.numbers);
        }
        of_other.step(grads[2].as_ref().expect("the third"));
    }
    assert_close("the whole", &f64s(&whole), &numbers, 1e-12, 1.0);
    assert_is(&tensors(&learn)[2], &of_other);
}

#[test]
fn a_parameter_that_changes_its_kind_keeps_what_the_optimizer_remembers() {
    let (mut opt, hyper) = adamw();
    let param = random(&[5, 3], Kind::Float, 1);
    let mut learn = learner(&[param.shallow_clone()]);
    let mut reference = Reference::new(FORMULA, hyper, &param);
    for (time, double) in [(2, false), (3, true), (4, false)] {
        let store = learn.params_mut().var_store_mut();
        if double {
            store.double();
        } else {
            store.float();
        }
        let grad = random(&[5, 3], if double { Kind::Double } else { Kind::Float }, time);
        step(&learn, &mut opt, &[Some(grad.shallow_clone())]);
        reference.step(&grad);
    }
    assert_close("a parameter", &f64s(&tensors(&learn)[0]), &reference.numbers, 1e-6, 1.0);
}

#[test]
fn the_moments_of_half_precision_are_saved_and_loaded_in_single_precision() {
    let (mut opt, _) = adamw();
    let halves = learner(&[random(&[4, 3], Kind::BFloat16, 1)]);
    step(&halves, &mut opt, &[Some(random(&[4, 3], Kind::BFloat16, 2))]);
    let state = State::of(&opt.stateful()).expect("copies");
    assert_eq!(state.tensor("p0/exp_avg").expect("a moment").kind(), Kind::Float);
    for kind in [Kind::BFloat16, Kind::Half, Kind::Float, Kind::Double] {
        let (mut other, _) = adamw();
        state.load_into(&mut other.stateful()).expect("its own kind of state");
        let learn = learner(&[random(&[4, 3], kind, 1)]);
        step(&learn, &mut other, &[Some(random(&[4, 3], kind, 3))]);
        let saved = State::of(&other.stateful()).expect("copies").tensor("p0/exp_avg_sq").expect("a moment");
        assert_eq!(saved.kind(), if kind == Kind::Double { Kind::Double } else { Kind::Float });
    }
    // Going on from the saved state is going on.
    let (mut other, _) = adamw();
    state.load_into(&mut other.stateful()).expect("its own state");
    let copy = learner(&[tensors(&halves)[0].detach().copy()]);
    for time in 4..7 {
        let grads = [Some(random(&[4, 3], Kind::BFloat16, time))];
        step(&halves, &mut opt, &grads);
        step(&copy, &mut other, &grads);
    }
    assert_eq!(f64s(&tensors(&copy)[0]), f64s(&tensors(&halves)[0]));
}

#[test]
fn a_number_is_stepped_the_same_wherever_it_lies() {
    // The large one is shared out to threads, and the small ones are not.
    let (whole, grad) = (random(&[400_000], Kind::Float, 1), random(&[400_000], Kind::Float, 2));
    let parts = |tensor: &Tensor| tensor.split(50_001, 0).iter().map(Tensor::copy).collect::<Vec<_>>();
    let (of_whole, mut opt) = (learner(&[whole.copy()]), adamw().0);
    let of_parts: Vec<_> = parts(&whole).into_iter().map(|part| (learner(&[part]), adamw().0)).collect();
    for _ in 0..3 {
        step(&of_whole, &mut opt, &[Some(grad.shallow_clone())]);
    }
    let stepped = of_parts.into_iter().zip(parts(&grad)).flat_map(|((learn, mut opt), grad)| {
        for _ in 0..3 {
            step(&learn, &mut opt, &[Some(grad.shallow_clone())]);
        }
        tensors(&learn)
    });
    assert!(Tensor::cat(&stepped.collect::<Vec<_>>(), 0).equal(&tensors(&of_whole)[0]));
}

#[test]
fn autograd_notices_a_step() {
    let (mut opt, _) = adamw();
    let learn = learner(&[random(&[3], Kind::Float, 1)]);
    let grads = [Some(random(&[3], Kind::Float, 2))];
    step(&learn, &mut opt, &grads);
    let param = tensors(&learn).swap_remove(0);
    let before = (&param * &param).sum(Kind::Float);
    step(&learn, &mut opt, &grads);
    let error = before.f_backward().expect_err("the graph has saved the parameter").to_string();
    assert!(error.contains("modified by an inplace operation"), "{error}");
}

#[test]
fn numbers_that_are_not_finite_stay_where_they_are() {
    for kind in [Kind::Float, Kind::Double, Kind::Half, Kind::BFloat16] {
        let (mut opt, _) = adamw();
        let learn = learner(&[random(&[300], kind, 1)]);
        let grad = random(&[300], kind, 2);
        let _ = grad.narrow(0, 7, 1).fill_(f64::NAN);
        step(&learn, &mut opt, &[Some(grad)]);
        let wrong: Vec<i64> = tensors(&learn)[0].isnan().nonzero().flatten(0, -1).try_into().expect("places");
        assert_eq!(wrong, [7], "{kind:?}");
    }
}
