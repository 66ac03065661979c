//! Each optimizer's steps with different settings for each group and a rule, against PyTorch's formulas for its `param_groups`, written out in
//! `f64`.

use mixup::{
    optim::{Hypers, SettingError},
    prelude::*,
};
use tch::{TchError, Tensor};

use super::{
    batches, builder, built, f64s,
    formula::{Formula, Memory},
    in_groups,
    numbers::assert_close,
    parameters,
};

/// The gradients of the mean of `(weight·(trunk·x + trunk_bias) + bias − y)²`, by hand, of these four.
fn gradients(params: &[Vec<f64>], inputs: &[f64], targets: &[f64]) -> Vec<Vec<f64>> {
    let [trunk, trunk_bias, weight, bias] = params else { panic!("four parameters") };
    let mut grads = vec![vec![0.0; 3], vec![0.0], vec![0.0], vec![0.0]];
    for (x, y) in inputs.chunks(3).zip(targets) {
        let hidden = trunk.iter().zip(x).map(|(a, x)| a * x).sum::<f64>() + trunk_bias[0];
        let slope = 2.0 * (weight[0] * hidden + bias[0] - y) / targets.len() as f64;
        for (grad, x) in grads[0].iter_mut().zip(x) {
            *grad += slope * weight[0] * x;
        }
        grads[1][0] += slope * weight[0];
        grads[2][0] += slope * hidden;
        grads[3][0] += slope;
    }
    grads
}

const TRUNK: Hyper = Hyper { lr: 0.01, momentum: 0.5, weight_decay: 0.3 };
const HEAD: Hyper = Hyper { lr: 0.03, momentum: 0.9, weight_decay: 0.1 };

/// The parameters after ten epochs with these settings for `trunk.weight`, `trunk.bias`, `head.weight`, `head.bias`.
fn by_hand(formula: &Formula, mut params: Vec<Vec<f64>>, hypers: [Hyper; 4]) -> Vec<Vec<f64>> {
    let mut memory: Vec<_> = params.iter().map(|param| vec![Memory::default(); param.len()]).collect();
    for (x, y) in (0..10).flat_map(|_| batches()) {
        let grads = gradients(&params, &f64s(&x), &f64s(&y));
        for (((param, grad), hyper), memory) in params.iter_mut().zip(grads).zip(hypers).zip(&mut memory) {
            for ((number, grad), memory) in param.iter_mut().zip(grad).zip(memory) {
                *number = formula.step(*number, grad, hyper, memory);
            }
        }
    }
    params
}

#[track_caller]
fn assert_as_pytorchs_groups(opt: impl Optimizer, formula: &Formula) {
    let mut learn = built(in_groups(opt).no_decay(|name, _| name.ends_with("bias")));
    for (group, hyper) in [("trunk", TRUNK), ("head", HEAD)] {
        *learn.opt_mut().hyper_mut(group).expect("it is there") = hyper;
    }
    let bias = |hyper| Hyper { weight_decay: 0.0, ..hyper };
    let expected = by_hand(formula, parameters(&learn), [TRUNK, bias(TRUNK), HEAD, bias(HEAD)]);
    learn.fit(10, Lr::each([TRUNK.lr, HEAD.lr])).expect("a training");
    let what = learn.opt().describe();
    for (index, (got, want)) in parameters(&learn).iter().zip(&expected).enumerate() {
        assert_close(&format!("{what}, parameter {index}"), got, want, 1e-9, 1.0);
    }
}

#[test]
fn every_optimizer_steps_like_pytorch_with_groups_and_parameters_without_decay() {
    assert_as_pytorchs_groups(Sgd::default(), &Formula::Sgd { nesterov: false, dampening: 0.0 });
    assert_as_pytorchs_groups(
        Sgd::default().nesterov(true).momentum(0.9),
        &Formula::Sgd { nesterov: true, dampening: 0.0 },
    );
    let (beta2, eps) = (0.95, 1e-6);
    let adam = |decoupled| Formula::Adam { decoupled, beta2, eps };
    assert_as_pytorchs_groups(Adam::default().betas(0.9, beta2).eps(eps), &adam(false));
    assert_as_pytorchs_groups(AdamW::default().betas(0.9, beta2).eps(eps), &adam(true));
    assert_as_pytorchs_groups(RmsProp::default().alpha(0.9).eps(eps), &Formula::RmsProp { alpha: 0.9, eps });
}

/// A user's own optimizer: steps of one size against the sign of the gradient.
#[derive(Default)]
struct SignSgd {
    hypers: Hypers,
}

impl Optimizer for SignSgd {
    fn step(&mut self, params: &Params) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for param in params.as_slice() {
            let Some(grad) = param.gradient()? else { continue };
            let Hyper { lr, weight_decay, .. } = self.hypers.of(param);
            let step = grad.f_sign()?.f_add(&param.tensor().f_mul_scalar(weight_decay)?)?;
            let _ = param.tensor().shallow_clone().f_sub_(&step.f_mul_scalar(lr)?)?;
        }
        Ok(())
    }

    fn hypers(&self) -> &Hypers {
        &self.hypers
    }

    fn hypers_mut(&mut self) -> &mut Hypers {
        &mut self.hypers
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(&mut self.hypers)
    }

    fn check(&self) -> Result<(), SettingError> {
        self.hypers.check()
    }

    fn describe(&self) -> String {
        "SignSgd".to_owned()
    }
}

#[test]
fn a_users_own_optimizer_follows_groups_rules_and_freezing() {
    let mut learn = built(in_groups(SignSgd::default()).no_decay(|_, tensor| tensor.dim() < 2));
    learn.opt_mut().hypers_mut().set_weight_decay(0.5);
    let mut expected = parameters(&learn);
    let rates = [0.25, 0.25, 0.5, 0.5];
    for (x, y) in batches() {
        let grads = gradients(&expected, &f64s(&x), &f64s(&y));
        for (((param, grad), lr), decay) in expected.iter_mut().zip(grads).zip(rates).zip([0.5, 0.0, 0.5, 0.0]) {
            for (number, grad) in param.iter_mut().zip(grad) {
                *number -= lr * (grad.signum() + decay * *number);
            }
        }
    }
    learn.fit(1, Lr::each([0.25, 0.5])).expect("a training");
    assert_close("signs", &parameters(&learn).concat(), &expected.concat(), 1e-12, 1.0);

    learn.freeze("trunk").expect("a group");
    let before = parameters(&learn);
    learn.fit(1, 0.1).expect("a training");
    assert_eq!(parameters(&learn)[..2], before[..2]);
    assert_ne!(parameters(&learn)[2..], before[2..]);
}

/// Fills the gradients with those of the first batch, and returns the batch.
fn backward(learn: &Learner) -> (Tensor, Tensor) {
    let (x, y) = batches().swap_remove(0);
    let output = learn
        .model()
        .forward_any(&x.shallow_clone().into(), true)
        .expect("an output")
        .into::<Tensor>()
        .expect("it is one tensor");
    output.mse_loss(&y, tch::Reduction::Mean).backward();
    (x, y)
}

#[test]
fn an_optimizer_that_gets_some_of_the_groups_changes_only_them() {
    let learn = built(in_groups(Sgd::default()));
    let head = learn.params().only(&["head"]).expect("a group");
    assert_eq!(head.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["head.weight", "head.bias"]);
    assert_eq!((head.groups(), head.len(), head.numel()), (&["head".to_owned()][..], 2, 2));
    assert_eq!(head.var_store().len(), 4, "the same store");

    let (x, y) = backward(&learn);
    let (before, grads) = (parameters(&learn), gradients(&parameters(&learn), &f64s(&x), &f64s(&y)));
    let mut opt = Sgd::default();
    opt.set_lr(0.5);
    opt.step(&head).expect("a step");
    let after = parameters(&learn);
    assert_eq!(after[..2], before[..2], "the trunk");
    let expected: Vec<_> = before[2..].iter().zip(&grads[2..]).map(|(p, g)| p[0] - 0.5 * g[0]).collect();
    assert_close("the head", &after[2..].concat(), &expected, 1e-12, 1.0);

    head.zero_grad().expect("its own gradients");
    let have: Vec<_> = learn.params().iter().map(|(_, tensor)| tensor.grad().defined()).collect();
    assert_eq!(have, [true, true, false, false]);
    assert!(matches!(learn.params().only(&["head", "hat"]), Err(GroupError::Unknown { group, .. }) if group == "hat"));
}

#[test]
fn an_optimizer_that_gets_other_parameters_keeps_what_it_remembers_of_each() {
    let learn = built(in_groups(Sgd::default()));
    let head = learn.params().only(&["head"]).expect("a group");
    let (x, y) = backward(&learn);
    let before = parameters(&learn);
    let grads = gradients(&before, &f64s(&x), &f64s(&y));
    let mut opt = Sgd::default().momentum(0.5);
    opt.set_lr(0.1);
    for params in [learn.params(), &head, learn.params()] {
        opt.step(params).expect("a step");
    }
    // The momentum of constant gradients: 1, then 1.5, then 1.75 of them.
    let moved = [2.5, 2.5, 4.25, 4.25];
    for (((after, before), grad), times) in parameters(&learn).iter().zip(&before).zip(&grads).zip(moved) {
        let expected: Vec<_> = before.iter().zip(grad).map(|(p, g)| p - 0.1 * times * g).collect();
        assert_close("momentum", after, &expected, 1e-12, 1.0);
    }
}

#[test]
fn an_optimizers_state_has_the_settings_of_each_group_and_is_rejected_by_other_groups() {
    fn check(opt: fn() -> Learner, without: fn() -> Learner, more: fn() -> Learner) {
        let mut learn = opt();
        learn.opt_mut().hyper_mut("trunk").expect("a group").weight_decay = 0.25;
        learn.fit(1, Lr::each([0.01, 0.02])).expect("a training");
        let state = learn.state().expect("copies");

        let mut other = opt();
        other.load_state(&state).expect("the same groups");
        assert_eq!(other.opt().hypers(), learn.opt().hypers());
        assert_eq!(other.opt().hyper("trunk").expect("a group").weight_decay, 0.25);
        assert_eq!(other.opt().hypers().lrs(), [0.01, 0.02]);

        let mut without = without();
        let before = without.opt().hypers().clone();
        let error = without.load_state(&state).expect_err("other groups");
        let text =
            "the state of `optimizer`: the state has the groups `trunk` and `head`, and the optimizer has `default`";
        assert_eq!(error.to_string(), text);
        assert_eq!(without.opt().hypers(), &before);
        let error = learn.load_state(&without.state().expect("copies")).expect_err("other groups").to_string();
        assert!(error.contains("has the groups `default`, and"), "{error}");
        let error = without.load_state(&more().state().expect("copies")).expect_err("more groups").to_string();
        assert!(error.contains("has the groups `trunk` and `default`, and"), "{error}");
    }

    fn one_more(opt: impl Optimizer) -> Learner {
        built(builder(opt).group("trunk", |name, _| name.starts_with("trunk")))
    }
    check(|| built(in_groups(AdamW::default())), || built(builder(AdamW::default())), || one_more(AdamW::default()));
    check(
        || built(in_groups(SignSgd::default())),
        || built(builder(SignSgd::default())),
        || one_more(SignSgd::default()),
    );
}
