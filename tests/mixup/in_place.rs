//! What is changed in place: only whole tensors that were created for the step.

use mixup::{
    batch::{make_mut, with_fresh},
    data::ImageDataset,
    prelude::*,
    rng::ItemRngs,
};
use proptest::prelude::*;
use tch::{Kind, Tensor};

use crate::{
    blends::spec,
    numbers::{classes, f64s, random},
};

fn begin(tensor: &Tensor) -> usize {
    tensor.data_ptr().addr()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// If the rows are dense and in sequence, the result is in the batch's own memory. The numbers are the same in any case.
    #[test]
    fn a_batch_that_may_be_changed_is_mixed_in_place_with_the_same_result(spec in spec()) {
        let mix = |fresh: bool| {
            let x = spec.tensor();
            let (mut input, mut target) = (Input::from(x.shallow_clone()), Target::from(classes(&spec.shape[..1], 10, 1)));
            let fresh = if fresh { &[&x][..] } else { &[] };
            with_fresh(fresh, || MixUp::default().mix(&mut input, &mut target, &spec.draws())).expect("the batch is whole");
            (x, input.one().expect("one tensor").shallow_clone())
        };
        let (kept, apart) = mix(false);
        let (changed, own) = mix(true);
        prop_assert_eq!(f64s(&own), f64s(&apart));
        prop_assert_ne!(begin(&kept), begin(&apart));
        let rows = spec.shape[0] == 1 || own.stride()[0] == own.numel() as i64 / spec.shape[0];
        let dense = rows && spec.is_dense();
        prop_assert_eq!(begin(&changed) == begin(&own), dense, "{:?}", spec);
    }
}

/// Whether a tensor is changed in its own memory while these are fresh.
fn in_place(fresh: &[&Tensor], tensor: &Tensor) -> bool {
    let mut changed = tensor.shallow_clone();
    with_fresh(fresh, || make_mut(&mut changed).map(|changed| begin(changed) == begin(tensor)))
        .expect("there is memory")
}

#[test]
fn only_a_whole_tensor_created_for_the_step_is_changed_in_place() {
    let x = random(&[4, 3, 5, 5], Kind::Float, 1);
    let may_change = |tensor: &Tensor| in_place(&[&x], tensor);
    assert!(may_change(&x) && may_change(&x.shallow_clone()));
    assert!(may_change(&x.view([4, 75])), "it is the same memory, whole");
    assert!(may_change(&x.transpose(0, 1)), "dense in another order of dimensions");
    assert!(!may_change(&x.narrow(0, 0, 2)), "a part of it");
    assert!(!may_change(&x.narrow(0, 1, 3)), "a part of it");
    assert!(!may_change(&x.copy()), "another one");
    assert!(!in_place(&[], &x));

    let every_second = x.slice(0, 0, None, 2);
    assert!(!in_place(&[&every_second], &every_second), "there are gaps");
    let one_row = x.narrow(0, 0, 1).expand([4, 3, 5, 5], false);
    assert!(!in_place(&[&one_row], &one_row), "each number is four items'");
    let wants_gradient = x.copy().set_requires_grad(true);
    assert!(!in_place(&[&wants_gradient], &wants_gradient));
    assert!(!in_place(&[&wants_gradient], &wants_gradient.view([-1])), "it is part of a computation");
}

#[test]
fn tensors_that_share_memory_are_not_changed_in_place() {
    let x = random(&[4, 6], Kind::Float, 1);
    let y = random(&[4], Kind::Float, 2);
    for other in [x.shallow_clone(), x.narrow(0, 3, 1), x.slice(1, 1, None, 2)] {
        let fresh = [&x, &other, &y];
        assert!(!in_place(&fresh, &x) && !in_place(&fresh, &other) && in_place(&fresh, &y));
    }
    // An autoencoder's batch: the target must not change.
    let (mut input, mut target) = (Input::from(x.shallow_clone()), Target::Dense(x.shallow_clone()));
    let before = f64s(&x);
    let draws = Draws::new(vec![0.5; 4], vec![1, 2, 3, 0]).expect("a permutation");
    let labels = target.tensor().shallow_clone();
    with_fresh(&[&x, &labels], || MixUp::default().mix(&mut input, &mut target, &draws)).expect("the batch is whole");
    assert_eq!(f64s(target.tensor()), before);
}

#[test]
fn a_graph_that_saved_the_batch_reports_the_change() {
    let x = random(&[4, 3], Kind::Float, 1);
    let weight = random(&[4, 3], Kind::Float, 2).set_requires_grad(true);
    let loss = (&weight * &x).sum(Kind::Float);
    let (mut input, mut target) = (Input::from(x.shallow_clone()), Target::from(classes(&[4], 3, 1)));
    let draws = Draws::new(vec![0.5; 4], vec![1, 2, 3, 0]).expect("a permutation");
    with_fresh(&[&x], || MixUp::default().mix(&mut input, &mut target, &draws)).expect("the batch is whole");
    let error = loss.f_backward().expect_err("its gradient would be of other numbers");
    assert!(error.to_string().contains("modified by an inplace operation"), "{error}");
}

/// A prepared batch is mixed into a buffer, and a smaller one into the first items of the same buffer. A graph that is kept over one
/// of them must not return the gradients of other numbers.
#[test]
fn a_graph_that_is_kept_past_its_batch_reports_that_the_next_batch_overwrote_it() {
    let weight = random(&[6, 3], Kind::Float, 2).set_requires_grad(true);
    for kinds in [[Kind::Float; 3], [Kind::Half; 3]] {
        for sizes in [[6, 6, 6], [6, 4, 4], [6, 4, 6], [6, 6, 4]] {
            let mut mixup = MixUp::default();
            let [first, second, third] = [0, 1, 2].map(|at| {
                let (items, kind) = (sizes[at], kinds[at]);
                let batch = random(&[items, 3], kind, at as u64);
                let (mut input, mut target) = (Input::from(batch), Target::from(classes(&[items], 3, 1)));
                let partners = (0..items as usize).rev().collect();
                let draws = Draws::new(vec![0.5; items as usize], partners).expect("a permutation");
                mixup.mix(&mut input, &mut target, &draws).expect("the batch is whole");
                (weight.narrow(0, 0, items).to_kind(kind) * input.one().expect("one tensor")).sum(Kind::Float)
            });
            for overwritten in [first, second] {
                let error = overwritten.f_backward().expect_err("its gradient would be of other numbers");
                assert!(error.to_string().contains("modified by an inplace operation"), "{sizes:?}: {error}");
            }
            third.f_backward().expect("the last one is still there");
        }
    }
}

/// What a hook found before `MixUp`: the address of `last_input`, and its numbers.
#[derive(Default)]
struct Seen(Vec<(usize, Vec<f64>)>);

#[callback(order = -1)]
impl Seen {
    fn on_batch_begin(&mut self, last_input: &Input) -> Result<(), BoxError> {
        let x = last_input.one()?;
        self.0.push((begin(x), f64s(x)));
        Ok(())
    }
}

/// Records the address of `last_input` after `MixUp`.
#[derive(Default)]
struct Behind(Vec<usize>);

#[callback(order = 1)]
impl Behind {
    fn on_batch_begin(&mut self, last_input: &Input) -> Result<(), BoxError> {
        self.0.push(begin(last_input.one()?));
        Ok(())
    }
}

fn learner(data: Data) -> Learner {
    let model = |vs: &mixup::model::Vars<'_>| tch::nn::linear(vs / "only", 3, 2, tch::nn::LinearConfig::default());
    let builder = Learner::builder(data, model).callback(Seen::default()).mixup().callback(Behind::default());
    builder.quiet().build().expect("nothing is wrong with it")
}

#[test]
fn gathered_batches_are_mixed_in_place_and_the_data_stays_unchanged() {
    let (x, y) = (random(&[8, 3], Kind::Float, 1), classes(&[8], 2, 2));
    let before = f64s(&x);
    let train = TensorDataset::new(x.shallow_clone(), y).expect("as many");
    let mut learn = learner(Data::builder(train).batch_size(4).build().expect("two batches"));
    learn.fit(2, 1e-3).expect("it trains");
    let seen = &learn.get::<Seen>().expect("it was added").0;
    let behind = &learn.get::<Behind>().expect("it was added").0;
    assert_eq!(seen.len(), 4);
    for ((place, _), behind) in seen.iter().zip(behind) {
        assert!(place == behind, "its own memory is the model's");
    }
    assert_eq!(f64s(&x), before);
}

#[test]
fn prepared_batches_are_unchanged_in_the_next_epoch() {
    let batch = || Batch { input: random(&[4, 3], Kind::Float, 1).into(), target: classes(&[4], 2, 2).into() };
    let mut learn = learner(Data::from_batches(vec![batch()], Vec::new()).expect("a batch"));
    learn.fit(3, 1e-3).expect("it trains");
    let seen = &learn.get::<Seen>().expect("it was added").0;
    assert!(seen.iter().all(|(_, numbers)| *numbers == seen[0].1), "{seen:?}");
}

#[test]
fn a_tensor_that_another_callback_put_into_the_batch_is_not_changed() {
    /// Uses its own tensor, as a cache would.
    struct Cache(Tensor);

    #[callback(order = -2)]
    impl Cache {
        fn on_batch_begin(&self, last_input: &mut Input) {
            *last_input = self.0.shallow_clone().into();
        }
    }

    let own = random(&[4, 3], Kind::Float, 3);
    let before = f64s(&own);
    let train = TensorDataset::new(random(&[8, 3], Kind::Float, 1), classes(&[8], 2, 2)).expect("as many");
    let mut learn = learner(Data::builder(train).batch_size(4).build().expect("two batches"));
    learn.callback(Cache(own.shallow_clone()));
    learn.fit(2, 1e-3).expect("it trains");
    assert_eq!(f64s(&own), before);
}

#[test]
fn the_data_sets_of_the_library_gather_each_batch_into_its_own_memory() {
    fn check(dataset: &dyn Dataset, own: [&Tensor; 2]) {
        assert!(dataset.fresh());
        // All items in their order: here a batch could share the memory of the data.
        let batches = [(); 2].map(|()| dataset.batch(&[0, 1, 2, 3], &ItemRngs::new(0, 0)).expect("four items"));
        let batches: Vec<_> =
            batches.iter().flat_map(|batch| [batch.input.tensors(), batch.target.tensors()].concat()).collect();
        let all = [&batches[..], &own[..]].concat();
        assert!(batches.len() == 4 && batches.iter().all(|tensor| in_place(&all, tensor)));
    }
    let (x, y) = (random(&[4, 3], Kind::Float, 1), classes(&[4], 2, 2));
    check(&TensorDataset::new(x.shallow_clone(), y.shallow_clone()).expect("as many"), [&x, &y]);
    let pixels = classes(&[4, 1, 2, 2], 255, 3).to_kind(Kind::Uint8);
    let images = ImageDataset::new(pixels.shallow_clone(), y.shallow_clone()).expect("as many");
    check(&images, [&pixels, &y]);
}

/// A broken promise harms only the data set that made it.
#[test]
fn a_data_set_that_wrongly_calls_its_batches_fresh_finds_them_mixed() {
    /// Returns the same two tensors each time.
    struct Keeps(Tensor, Tensor);

    impl Dataset for Keeps {
        fn len(&self) -> usize {
            4
        }

        fn batch(&self, _: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
            Ok(Batch { input: self.0.shallow_clone().into(), target: self.1.shallow_clone().into() })
        }

        fn fresh(&self) -> bool {
            true
        }
    }

    let (x, y) = (random(&[4, 3], Kind::Float, 1), classes(&[4], 2, 2));
    let (before, labels) = (f64s(&x), f64s(&y));
    let kept = Keeps(x.shallow_clone(), y.shallow_clone());
    let mut learn = learner(Data::builder(kept).batch_size(4).build().expect("a batch"));
    learn.fit(3, 1e-3).expect("it trains");
    let seen = &learn.get::<Seen>().expect("it was added").0;
    assert_eq!(seen[0].1, before);
    assert_ne!(seen[1].1, before, "the second epoch begins with the blends of the first");
    assert_eq!(f64s(&y), labels, "nobody changes labels in place");
}
