//! After 200 steps no optimizer is farther from the formula than libtorch's own.

use mixup::prelude::*;
use proptest::prelude::*;
use tch::{COptimizer, Kind, Tensor, nn};

use super::{Formula, Reference, learner, numbers::assert_close, random, step, tensors};
use crate::f64s;

const LR: f64 = 0.003;
const STEPS: u64 = 200;
/// Where both round each number once a step, their distances still differ by chance: with these 1,300 numbers by a few percent.
const BY_CHANCE: f64 = 1.1;

/// An optimizer of ours, libtorch's, and the formula with its settings.
struct Pair {
    ours: Box<dyn Optimizer>,
    theirs: COptimizer,
    formula: Formula,
    hyper: Hyper,
}

#[allow(clippy::needless_pass_by_value, reason = "a list of pairs is easier to read")]
fn pair(mut ours: impl Optimizer, theirs: impl nn::OptimizerConfig, formula: Formula) -> Pair {
    ours.set_lr(LR);
    let hyper = *ours.hypers().last();
    Pair { ours: Box::new(ours), theirs: theirs.build_copt(LR).expect("libtorch has it"), formula, hyper }
}

fn pairs() -> Vec<Pair> {
    let adam = |decoupled, beta2| Formula::Adam { decoupled, beta2, eps: 1e-8 };
    let sgd = |nesterov, dampening| Formula::Sgd { nesterov, dampening };
    let rms = |alpha| Formula::RmsProp { alpha, eps: 1e-8 };
    vec![
        pair(AdamW::default(), nn::adamw(0.9, 0.99, 0.01), adam(true, 0.99)),
        pair(AdamW::default().betas(0.8, 0.999).wd(0.0), nn::adamw(0.8, 0.999, 0.0), adam(true, 0.999)),
        pair(Adam::default(), nn::adam(0.9, 0.99, 0.0), adam(false, 0.99)),
        pair(Adam::default().wd(0.1), nn::adam(0.9, 0.99, 0.1), adam(false, 0.99)),
        pair(Sgd::default(), nn::sgd(0.0, 0.0, 0.0, false), sgd(false, 0.0)),
        pair(Sgd::default().wd(0.1), nn::sgd(0.0, 0.0, 0.1, false), sgd(false, 0.0)),
        pair(Sgd::default().momentum(0.9).wd(0.1), nn::sgd(0.9, 0.0, 0.1, false), sgd(false, 0.0)),
        pair(Sgd::default().momentum(0.9).dampening(0.5), nn::sgd(0.9, 0.5, 0.0, false), sgd(false, 0.5)),
        pair(Sgd::default().momentum(0.9).nesterov(true), nn::sgd(0.9, 0.0, 0.0, true), sgd(true, 0.0)),
        pair(RmsProp::default(), nn::rms_prop(0.99, 1e-8, 0.0, 0.0, false), rms(0.99)),
        pair(RmsProp::default().alpha(0.9).momentum(0.9).wd(0.1), nn::rms_prop(0.9, 1e-8, 0.1, 0.9, false), rms(0.9)),
    ]
}

/// Parameters of several shapes and layouts.
fn params(kind: Kind) -> Vec<Tensor> {
    let channels_last = random(&[8, 3, 3, 5], kind, 3).permute([0, 3, 1, 2]);
    let (crosswise, gaps) =
        (random(&[20, 30], kind, 4).transpose(0, 1), random(&[40, 16], kind, 5).slice(1, 0, None, 2));
    vec![random(&[33, 17], kind, 1), random(&[7], kind, 2), channels_last, crosswise, gaps, random(&[], kind, 6)]
}

fn assert_not_farther_than_libtorch(kind: Kind, rounding: f64) {
    for Pair { mut ours, mut theirs, formula, hyper } in pairs() {
        let learn = learner(&params(kind));
        let libtorch: Vec<_> = params(kind).iter().map(|param| param.copy().set_requires_grad(true)).collect();
        for param in &libtorch {
            theirs.add_parameters(param, 0).expect("a parameter");
        }
        let mut references: Vec<_> = params(kind).iter().map(|param| Reference::new(formula, hyper, param)).collect();
        for time in 0..STEPS {
            let grad = |(index, param): (usize, &Tensor)| random(&param.size(), kind, 1000 * time + index as u64);
            let grads: Vec<_> = libtorch.iter().enumerate().map(|param| Some(grad(param))).collect();
            step(&learn, &mut *ours, &grads);
            super::backward(&libtorch, &grads);
            theirs.step().expect("a step");
            theirs.zero_grad().expect("gradients can be dropped");
            references.iter_mut().zip(grads.iter().flatten()).for_each(|(reference, grad)| reference.step(grad));
        }
        let distance = |params: &[Tensor]| {
            let squares = references.iter().zip(params).map(|(reference, param)| reference.distance(param).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let (own, of_libtorch) = (distance(&tensors(&learn)), distance(&libtorch));
        let what = format!("{:?} {}", kind, ours.describe());
        // In half precision libtorch's eps may be 0, and its numbers are then not finite.
        assert!(
            own <= of_libtorch * BY_CHANCE + rounding || of_libtorch.is_nan(),
            "{what}: {own:e} from the formula, libtorch {of_libtorch:e}"
        );
        assert!(own < 400.0 * kind_eps(kind), "{what}: {own:e} from the formula");
        let (start, end) = (f64s(&params(kind)[0]), f64s(&tensors(&learn)[0]));
        let moved = start.iter().zip(&end).filter(|(start, end)| start.to_bits() != end.to_bits()).count();
        assert!(moved > start.len() / 4, "{what}: {moved} of {} numbers have moved", start.len());
    }
}

/// Twice the relative error of a rounded number.
fn kind_eps(kind: Kind) -> f64 {
    match kind {
        Kind::Float => f64::from(f32::EPSILON),
        Kind::Half => 2.0_f64.powi(-10),
        Kind::BFloat16 => 2.0_f64.powi(-7),
        _ => f64::EPSILON,
    }
}

#[test]
fn in_single_precision() {
    assert_not_farther_than_libtorch(Kind::Float, 0.0);
}

/// The formula itself is rounded to `f64` here, so that no distance below a few roundings means anything.
#[test]
fn in_double_precision() {
    assert_not_farther_than_libtorch(Kind::Double, 1e-14);
}

#[test]
fn in_half_precision() {
    assert_not_farther_than_libtorch(Kind::Half, 0.0);
    assert_not_farther_than_libtorch(Kind::BFloat16, 0.0);
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Float), Just(Kind::Double), Just(Kind::Half), Just(Kind::BFloat16)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Up to 30,000 numbers: the largest ones are stepped in several parts, on several threads.
    #[test]
    fn any_steps_are_those_of_the_formula(
        kind in kinds(),
        (which, seed) in (0..11_usize, any::<u32>()),
        sizes in proptest::collection::vec(prop_oneof![1..600_i64, 20_000..30_000_i64], 1..6),
        (lr, momentum, weight_decay) in (0.0..0.1, 0.01..0.99, prop_oneof![Just(0.0), 0.0..0.5]),
    ) {
        let Pair { mut ours, formula, .. } = pairs().swap_remove(which);
        // Decay in a gradient that is divided by its own size can leave so little of it that its rounding decides.
        let divided = matches!(formula, Formula::Adam { decoupled: false, .. } | Formula::RmsProp { .. });
        let hyper = Hyper { lr, momentum, weight_decay: if divided { 0.0 } else { weight_decay } };
        *ours.hyper_mut("default").expect("the only group") = hyper;
        let params = sizes.iter().zip(u64::from(seed)..).map(|(size, seed)| random(&[*size], kind, seed)).collect::<Vec<_>>();
        let learn = learner(&params);
        let mut references: Vec<_> = params.iter().map(|param| Reference::new(formula, hyper, param)).collect();
        for time in 1..4 {
            let grads = sizes.iter().zip(u64::from(seed) + 100 * time..);
            let grads: Vec<_> = grads.map(|(size, seed)| Some(random(&[*size], kind, seed))).collect();
            step(&learn, &mut *ours, &grads);
            references.iter_mut().zip(grads.iter().flatten()).for_each(|(reference, grad)| reference.step(grad));
        }
        for (reference, param) in references.iter().zip(tensors(&learn)) {
            // A step of RMSProp may be as long as lr/√(1−α) of a gradient that was rounded.
            assert_close(&ours.describe(), &f64s(&param), &reference.numbers, 8.0 * kind_eps(kind), 2.0);
        }
    }
}
