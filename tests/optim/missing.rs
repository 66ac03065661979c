//! Parameters that have no gradient in a step: the step leaves them alone, as in PyTorch.

use mixup::prelude::*;
use tch::Kind;

use super::{Formula, Reference, learner, numbers::assert_close, random, step, tensors};
use crate::f64s;

fn assert_leaves_alone(mut opt: impl Optimizer, formula: Formula) {
    opt.set_lr(0.05);
    let hyper = *opt.hypers().last();
    let params = [random(&[4, 3], Kind::Double, 1), random(&[5], Kind::Double, 2)];
    let learn = learner(&params);
    let mut references = params.each_ref().map(|param| Reference::new(formula, hyper, param));
    // The second parameter has a gradient in every other step, and is frozen in the last one.
    for time in 0..7 {
        let used = [true, time % 2 == 0];
        let _ = tensors(&learn)[1].set_requires_grad(time != 6);
        let grads = [0, 1].map(|index| random(&params[index].size(), Kind::Double, 10 + 2 * time + index as u64));
        let given =
            [0, 1].map(|index| (used[index] && (index == 0 || time != 6)).then(|| grads[index].shallow_clone()));
        step(&learn, &mut opt, &given);
        for (reference, grad) in references.iter_mut().zip(given.iter()) {
            if let Some(grad) = grad {
                reference.step(grad);
            }
        }
        for (reference, param) in references.iter().zip(tensors(&learn)) {
            assert_close(&opt.describe(), &f64s(&param), &reference.numbers, 1e-12, 1.0);
        }
    }
}

#[test]
fn a_parameter_without_a_gradient_is_left_alone_and_so_is_its_memory() {
    let adam = |decoupled| Formula::Adam { decoupled, beta2: 0.99, eps: 1e-8 };
    assert_leaves_alone(AdamW::default().wd(0.3), adam(true));
    assert_leaves_alone(Adam::default().wd(0.3), adam(false));
    let sgd = Formula::Sgd { nesterov: false, dampening: 0.5 };
    assert_leaves_alone(Sgd::default().momentum(0.9).dampening(0.5).wd(0.3), sgd);
    assert_leaves_alone(RmsProp::default().momentum(0.9).wd(0.3), Formula::RmsProp { alpha: 0.99, eps: 1e-8 });
}
