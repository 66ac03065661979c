//! Compares blends with λ·x + (1−λ)·x[partner], computed in f64, for every shape, kind and layout, with reused buffers.

use mixup::prelude::*;
use proptest::prelude::*;
use tch::{Kind, Tensor};

use crate::numbers::{assert_close, classes, f64s, random};

/// The layout of a tensor's numbers in memory.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Contiguous,
    /// `[n, h, w, c]` in memory, for a tensor `[n, c, h, w]`.
    ChannelsLast,
    /// The first and the last dimension are swapped in memory.
    Transposed,
    /// Every second item of a longer batch.
    Sliced,
}

/// A batch and the draws for it.
#[derive(Clone, Debug)]
pub struct Spec {
    pub shape: Vec<i64>,
    kind: Kind,
    layout: Layout,
    lambdas: Vec<f64>,
    partners: Vec<usize>,
    seed: u64,
}

impl Spec {
    pub fn tensor(&self) -> Tensor {
        let values = random(&self.shape, self.kind, self.seed);
        match self.layout {
            Layout::ChannelsLast if values.dim() == 4 => {
                values.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
            }
            Layout::Transposed => values.transpose(0, -1).contiguous().transpose(0, -1),
            Layout::Sliced => Tensor::stack(&[&values, &values.zeros_like()], 1).flatten(0, 1).slice(0, 0, None, 2),
            _ => values,
        }
    }

    pub fn draws(&self) -> Draws {
        Draws::new(self.lambdas.clone(), self.partners.clone()).expect("weights and a permutation")
    }

    /// Whether every number in the memory belongs to the batch.
    pub fn is_dense(&self) -> bool {
        !matches!(self.layout, Layout::Sliced) || self.shape[0] == 1
    }

    /// The formula.
    fn blend(&self, x: &[f64]) -> Vec<f64> {
        let item = x.len() / self.partners.len();
        let weights = self.lambdas.iter().map(|lambda| lambda.max(1.0 - lambda));
        let pairs = weights.zip(&self.partners).enumerate();
        let blend = |(i, (weight, &p)): (usize, (f64, &usize))| {
            let of = |item_at: usize| x[item_at * item..(item_at + 1) * item].to_vec();
            of(i)
                .into_iter()
                .zip(of(p))
                .map(move |(own, other)| weight * own + (1.0 - weight) * other)
                .collect::<Vec<_>>()
        };
        pairs.flat_map(blend).collect()
    }
}

/// The distance between neighbouring numbers of a kind near 1.
fn epsilon(kind: Kind) -> f64 {
    match kind {
        Kind::Double => f64::EPSILON,
        Kind::Float => f64::from(f32::EPSILON),
        Kind::Half => 1.0 / 1024.0,
        Kind::BFloat16 => 1.0 / 128.0,
        other => panic!("{other:?} is not mixed"),
    }
}

/// The shape of an item, sometimes with more than 64 KiB, and then not with a multiple of that.
fn item() -> impl Strategy<Value = Vec<i64>> {
    (prop::collection::vec(1_i64..=4, 0..=4), prop::bool::weighted(0.2)).prop_map(|(mut item, large)| {
        if large {
            item.truncate(3);
            item.push(65_536 / (2 * item.iter().product::<i64>()) + 1); // a number has at least two bytes
        }
        item
    })
}

fn layout() -> impl Strategy<Value = Layout> {
    prop::sample::select(vec![Layout::Contiguous, Layout::ChannelsLast, Layout::Transposed, Layout::Sliced])
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Float, Kind::Double, Kind::Half, Kind::BFloat16])
}

/// Batches of items of this shape, in one of these kinds.
fn spec_of(item: Vec<i64>, kinds: Vec<Kind>, layout: Layout) -> impl Strategy<Value = Spec> {
    (1_usize..=17, prop::sample::select(kinds), any::<u64>()).prop_flat_map(move |(n, kind, seed)| {
        let shape = [&[n as i64], item.as_slice()].concat();
        let partners = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
        (prop::collection::vec(0.0..=1.0, n), partners).prop_map(move |(lambdas, partners)| Spec {
            shape: shape.clone(),
            kind,
            layout,
            lambdas,
            partners,
            seed,
        })
    })
}

pub fn spec() -> impl Strategy<Value = Spec> {
    (item(), kind(), layout()).prop_flat_map(|(item, kind, layout)| spec_of(item, vec![kind], layout))
}

/// Batches of items of one shape and one or two kinds, as in a training, or batches that are all different.
fn specs() -> impl Strategy<Value = Vec<Spec>> {
    let alike = (item(), prop::collection::vec(kind(), 1..=2), layout());
    let alike = alike.prop_flat_map(|(item, kinds, layout)| prop::collection::vec(spec_of(item, kinds, layout), 2..7));
    prop_oneof![3 => alike, 1 => prop::collection::vec(spec(), 1..5)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// One `MixUp` gets batches of changing size, kind, shape and layout, as inputs and as dense targets. No result contains
    /// anything of an earlier one in the reused memory, and no batch is changed itself.
    #[test]
    fn every_batch_is_blended_by_the_formula_whatever_came_before_it(specs in specs()) {
        let mut mixup = MixUp::default().stack_y(false);
        for spec in specs.iter().chain(&specs) {
            let x = spec.tensor();
            let before = f64s(&x);
            let mut input = Input::from(x.shallow_clone());
            let mut target = Target::Dense(x.shallow_clone());
            mixup.mix(&mut input, &mut target, &spec.draws()).expect("the batch is whole");
            let want = spec.blend(&before);
            for got in [input.one().expect("one tensor"), target.tensor()] {
                prop_assert_eq!(got.size(), spec.shape.clone());
                prop_assert_eq!(got.kind(), spec.kind);
                assert_close(&format!("{spec:?}"), &f64s(got), &want, 4.0 * epsilon(spec.kind), 2.0);
            }
            prop_assert_eq!(f64s(&x), before, "the batch itself was changed");
        }
    }

    /// d blend / d x: an item's gradient comes from its own blend, and from the blend whose partner it is.
    #[test]
    fn gradients_flow_through_a_blend_to_both_items(spec in spec()) {
        let spec = Spec { kind: Kind::Double, ..spec };
        let x = spec.tensor().set_requires_grad(true);
        let mut input = Input::from(x.shallow_clone());
        let mut target = Target::from(classes(&spec.shape[..1], 10, 1));
        MixUp::default().mix(&mut input, &mut target, &spec.draws()).expect("the batch is whole");
        let behind = random(&spec.shape, Kind::Double, 7);
        (input.one().expect("one tensor") * &behind).sum(Kind::Double).backward();

        let behind = f64s(&behind);
        let item = behind.len() / spec.partners.len();
        let mut want = vec![0.0; behind.len()];
        for (i, (&partner, lambda)) in spec.partners.iter().zip(&spec.lambdas).enumerate() {
            let weight = lambda.max(1.0 - lambda);
            for at in 0..item {
                want[i * item + at] += weight * behind[i * item + at];
                want[partner * item + at] += (1.0 - weight) * behind[i * item + at];
            }
        }
        assert_close(&format!("{spec:?}"), &f64s(&x.grad()), &want, 1e-14, 2.0);
    }
}

#[test]
fn a_batch_of_one_is_itself_and_an_odd_batch_is_mixed() {
    for n in [1, 3, 7] {
        let spec = Spec {
            shape: vec![n, 2, 5],
            kind: Kind::Float,
            layout: Layout::Contiguous,
            lambdas: vec![0.3; n as usize],
            partners: (0..n as usize).rev().collect(),
            seed: 3,
        };
        let x = spec.tensor();
        let mut input = Input::from(x.shallow_clone());
        MixUp::default().mix(&mut input, &mut Target::from(classes(&[n], 4, 2)), &spec.draws()).expect("a whole batch");
        let got = f64s(input.one().expect("one tensor"));
        assert_close("blend", &got, &spec.blend(&f64s(&x)), 1e-6, 2.0);
        assert_eq!(n == 1, got == f64s(&x), "{n} items");
    }
}

#[test]
fn each_of_several_input_tensors_is_mixed_with_the_same_partners() {
    let (a, b) = (random(&[5, 3], Kind::Float, 1), random(&[5, 2, 2], Kind::Double, 2));
    let spec = Spec {
        shape: vec![5],
        kind: Kind::Double,
        layout: Layout::Contiguous,
        lambdas: vec![0.6, 0.1, 0.8, 0.5, 1.0],
        partners: vec![4, 0, 3, 2, 1],
        seed: 0,
    };
    let mut mixup = MixUp::default();
    for _ in 0..2 {
        let mut input = Input::from(vec![a.shallow_clone(), b.shallow_clone()]);
        let mut target = Target::from(classes(&[5], 3, 3));
        mixup.mix(&mut input, &mut target, &spec.draws()).expect("the batch is whole");
        let [mixed_a, mixed_b] = input.tensors()[..] else { panic!("there were two tensors") };
        assert_close("a", &f64s(mixed_a), &spec.blend(&f64s(&a)), 1e-6, 2.0);
        assert_close("b", &f64s(mixed_b), &spec.blend(&f64s(&b)), 1e-15, 2.0);
    }
}

#[test]
fn stacked_inputs_and_targets_are_the_items_their_partners_and_the_weights() {
    let x = random(&[3, 4], Kind::Float, 1);
    let y = Tensor::from_slice(&[5_i64, 6, 7]);
    let draws = Draws::new(vec![0.2, 0.5, 0.9], vec![2, 0, 1]).expect("a permutation");
    for (stack_x, stack_y) in [(true, true), (true, false), (false, true), (false, false)] {
        let target = if stack_y { Target::from(y.shallow_clone()) } else { Target::Dense(y.to_kind(Kind::Float)) };
        let (mut input, mut target) = (Input::from(x.shallow_clone()), target);
        let mut mixup = MixUp::default().stack_x(stack_x).stack_y(stack_y);
        mixup.mix(&mut input, &mut target, &draws).expect("the batch is whole");
        match input {
            Input::Stacked { first, second, weight } => {
                assert!(stack_x);
                assert_eq!(f64s(&first), f64s(&x));
                assert_eq!(f64s(&second), f64s(&x.index_select(0, &Tensor::from_slice(&[2_i64, 0, 1]))));
                assert_close("weight", &f64s(&weight), &[0.8, 0.5, 0.9], 1e-7, 1.0);
            }
            other => assert!(!stack_x && matches!(other, Input::Tensor(_))),
        }
        match target {
            Target::Mixed { first, second, weight } => {
                assert!(stack_y);
                assert_eq!(f64s(first.tensor()), [5.0, 6.0, 7.0]);
                assert_eq!(f64s(second.tensor()), [7.0, 5.0, 6.0]);
                assert_close("weight", &f64s(&weight), &[0.8, 0.5, 0.9], 1e-7, 1.0);
            }
            other => {
                assert!(!stack_y);
                assert_close("target", &f64s(other.tensor()), &[5.4, 5.5, 6.9], 1e-6, 1.0);
            }
        }
    }
}

#[test]
fn a_batch_that_was_mixed_once_can_be_mixed_again() {
    // Without stacking nothing shows that it was mixed; its memory is the buffer that would be written to next.
    for shape in [[3, 2], [3, 20_000]] {
        let spec = Spec {
            shape: shape.to_vec(),
            kind: Kind::Float,
            layout: Layout::Contiguous,
            lambdas: vec![0.5, 0.7, 0.6],
            partners: vec![1, 2, 0],
            seed: 5,
        };
        let mut mixup = MixUp::default().stack_y(false);
        let x = spec.tensor();
        let (mut input, mut target) = (Input::from(x.shallow_clone()), Target::Dense(x.shallow_clone()));
        mixup.mix(&mut input, &mut target, &spec.draws()).expect("the batch is whole");
        mixup.mix(&mut input, &mut target, &spec.draws()).expect("the batch is whole");
        let twice = spec.blend(&spec.blend(&f64s(&x)));
        assert_close("input", &f64s(input.one().expect("one tensor")), &twice, 1e-6, 2.0);
        assert_close("target", &f64s(target.tensor()), &twice, 1e-6, 2.0);
    }
}

#[test]
fn a_large_label_with_inputs_in_half_precision_stays_exact() {
    let mut input = Input::from(random(&[2, 3], Kind::Half, 1));
    let mut target = Target::from(Tensor::from_slice(&[100_003_i64, 16_777_217]));
    let draws = Draws::new(vec![0.5, 0.6], vec![1, 0]).expect("a permutation");
    MixUp::default().mix(&mut input, &mut target, &draws).expect("the batch is whole");
    let Target::Mixed { first, second, weight } = target else { panic!("the target is stacked") };
    assert_eq!(Vec::<i64>::try_from(first.tensor()).expect("indices"), [100_003, 16_777_217]);
    assert_eq!(Vec::<i64>::try_from(second.tensor()).expect("indices"), [16_777_217, 100_003]);
    assert_eq!(weight.kind(), Kind::Float, "weights are not kept in half precision");
    assert_eq!(input.one().expect("one tensor").kind(), Kind::Half);
}

#[test]
fn dense_targets_in_f64_with_inputs_in_f32_are_blended_exactly() {
    let y = random(&[2, 3], Kind::Double, 2);
    let (mut input, mut target) = (Input::from(random(&[2, 3], Kind::Float, 1)), Target::Dense(y.shallow_clone()));
    let draws = Draws::new(vec![0.7, 0.9], vec![1, 0]).expect("a permutation");
    MixUp::default().stack_y(false).mix(&mut input, &mut target, &draws).expect("the batch is whole");
    let y = f64s(&y);
    let want = [0, 1, 2].map(|at| 0.7 * y[at] + (1.0 - 0.7) * y[3 + at]);
    assert_close("target", &f64s(target.tensor())[..3], &want, 1e-15, 2.0);
}
