//! Loaders: how items become batches, and what a data set must not return.

use std::collections::BTreeSet;

use mixup_runtime::{
    Rng,
    batch::{Batch, Input, Target},
    data::{Data, DataError, Dataset, Loader, TensorDataset},
    rng::ItemRngs,
};
use rand::{Rng as _, SeedableRng};
use tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn numbers(n: i64) -> Tensor {
    Tensor::arange(n, (Kind::Float, Device::Cpu))
}

fn set(n: i64) -> TensorDataset {
    TensorDataset::new(numbers(n).unsqueeze(1), Tensor::arange(n, (Kind::Int64, Device::Cpu))).expect("as many of each")
}

/// Generators for items; no item here is random.
fn rngs() -> ItemRngs {
    ItemRngs::new(0, 0)
}

fn labels(batch: &Batch) -> Vec<i64> {
    Vec::try_from(batch.target.tensor()).expect("one dimension of i64")
}

fn epoch(loader: &Loader, order: &[usize]) -> Result<Vec<Vec<i64>>, DataError> {
    (0..loader.batches_in(order)).map(|k| Ok(labels(&loader.batch(order, k, &rngs())?))).collect()
}

/// A data set that always returns the batch that it was given, whatever it is asked for.
struct Stubborn(fn(usize) -> Batch);

impl Dataset for Stubborn {
    fn len(&self) -> usize {
        10
    }

    fn batch(&self, indices: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
        Ok(self.0(indices.len()))
    }
}

fn zeros(n: usize) -> Tensor {
    Tensor::zeros([i64::try_from(n).expect("small"), 2], (Kind::Float, Device::Cpu))
}

fn refused(answer: fn(usize) -> Batch) -> String {
    let loader = Loader::new(Stubborn(answer), 4).expect("ten items");
    loader.batch(&[0, 1, 2, 3], 0, &rngs()).expect_err("a wrong batch").to_string()
}

#[test]
fn items_are_in_their_own_order_without_shuffling_and_the_last_batch_is_smaller() -> Outcome {
    let loader = Loader::new(set(7), 3)?;
    let mut rng = Rng::seed_from_u64(1);
    let order = loader.order(&mut rng)?;
    assert_eq!(epoch(&loader, &order)?, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    assert_eq!((loader.items(), loader.batches()), (Some(7), Some(3)));
    assert_eq!(rng, Rng::seed_from_u64(1), "no number was drawn");
    Ok(())
}

#[test]
fn shuffling_draws_each_item_once_and_depends_only_on_the_seed() -> Outcome {
    let loader = Loader::new(set(100), 32)?.shuffle(true);
    let mut rng = Rng::seed_from_u64(5);
    let (first, second) = (loader.order(&mut rng)?, loader.order(&mut rng)?);
    assert_ne!(first, second, "each epoch has its own order");
    assert_eq!(first, loader.order(&mut Rng::seed_from_u64(5))?);
    assert_ne!(first, loader.order(&mut Rng::seed_from_u64(6))?);
    let seen: Vec<i64> = epoch(&loader, &first)?.concat();
    assert_eq!(seen.len(), 100);
    assert_eq!(seen.iter().copied().collect::<BTreeSet<_>>(), (0..100).collect());
    assert_ne!(rng.next_u64(), Rng::seed_from_u64(5).next_u64());
    Ok(())
}

#[test]
fn the_order_of_a_seed_is_the_same_in_all_versions_and_on_all_machines() -> Outcome {
    let loader = Loader::new(set(10), 5)?.shuffle(true);
    assert_eq!(loader.order(&mut Rng::seed_from_u64(42))?, ORDER_OF_SEED_42);
    Ok(())
}
const ORDER_OF_SEED_42: [usize; 10] = [7, 1, 5, 4, 6, 9, 3, 8, 2, 0];

#[test]
fn each_input_has_its_own_target() -> Outcome {
    let loader = Loader::new(set(50), 50)?.shuffle(true);
    let batch = loader.batch(&loader.order(&mut Rng::seed_from_u64(3))?, 0, &rngs())?;
    let input = batch.input.one().expect("one tensor").squeeze_dim(1).to_kind(Kind::Int64);
    assert_eq!(&input, batch.target.tensor());
    Ok(())
}

#[test]
fn a_batch_can_be_asked_for_again_and_in_any_order() -> Outcome {
    let loader = Loader::new(set(20), 6)?.shuffle(true);
    let order = loader.order(&mut Rng::seed_from_u64(9))?;
    let all = epoch(&loader, &order)?;
    assert_eq!(labels(&loader.batch(&order, 2, &rngs())?), all[2]);
    assert_eq!(labels(&loader.batch(&order, 0, &rngs())?), all[0]);
    Ok(())
}

#[test]
fn drop_last_leaves_out_only_the_smaller_batch() -> Outcome {
    let uneven = Loader::new(set(7), 3)?.drop_last(true);
    assert_eq!(epoch(&uneven, &uneven.order(&mut Rng::seed_from_u64(0))?)?, [vec![0, 1, 2], vec![3, 4, 5]]);
    assert_eq!(Loader::new(set(6), 3)?.drop_last(true).batches(), Some(2));
    Ok(())
}

#[test]
fn a_batch_or_an_item_out_of_range_is_rejected() -> Outcome {
    let loader = Loader::new(set(7), 3)?;
    let order = loader.order(&mut Rng::seed_from_u64(0))?;
    let past = loader.batch(&order, 3, &rngs()).expect_err("three batches");
    assert!(matches!(past, DataError::BatchIndex { batch: 3, batches: 3 }), "{past}");
    let past = loader.batch(&order[..5], 2, &rngs()).expect_err("two batches of five items");
    assert!(matches!(past, DataError::BatchIndex { batch: 2, batches: 2 }), "{past}");
    let wrong = loader.batch(&[0, 1, 7, 3, 4, 5, 6], 0, &rngs()).expect_err("no item 7");
    assert!(matches!(wrong, DataError::Index { index: 7, items: 7 }), "{wrong}");
    Ok(())
}

#[test]
fn a_data_set_must_return_as_many_items_as_it_was_asked_for() {
    let fewer = refused(|n| Batch { input: zeros(n - 1).into(), target: zeros(n - 1).into() });
    assert_eq!(fewer, "the data set was asked for 4 items, but returned an input of 3 and a target of 3");
    let other_target = refused(|n| Batch { input: zeros(n).into(), target: zeros(1).into() });
    assert_eq!(other_target, "the data set was asked for 4 items, but returned an input of 4 and a target of 1");
    let nothing = refused(|_| Batch { input: Input::Tensors(vec![]), target: zeros(0).into() });
    assert_eq!(nothing, "the data set was asked for 4 items, but returned an input of 0 and a target of 0");
    let second_input = refused(|n| Batch { input: vec![zeros(n), zeros(n + 2)].into(), target: zeros(n).into() });
    assert_eq!(second_input, "the data set was asked for 4 items, but returned an input of 6 and a target of 4");
}

#[test]
fn an_error_of_a_users_data_set_is_passed_on_unchanged() {
    struct Broken;
    impl Dataset for Broken {
        fn len(&self) -> usize {
            1
        }
        fn batch(&self, _: &[usize], _: &ItemRngs) -> Result<Batch, DataError> {
            Err(DataError::other("row 3 has no label"))
        }
    }
    let error = Loader::new(Broken, 1).and_then(|l| l.batch(&[0], 0, &rngs())).expect_err("broken");
    assert!(matches!(error, DataError::Other(_)));
    assert_eq!(error.to_string(), "row 3 has no label");
}

#[test]
fn the_error_for_tensors_of_different_lengths_names_the_lengths() {
    let error = TensorDataset::new(numbers(5), numbers(4)).expect_err("five and four");
    assert_eq!(error.to_string(), "the input has 5 items and the target 4, but each item needs both");
    let error = TensorDataset::new(vec![numbers(5), numbers(6)], numbers(5)).expect_err("five and six");
    assert_eq!(error.to_string(), "input 1 has 6 items, but input 0 has 5: each item needs all of them");
}

#[test]
fn tensors_without_a_first_dimension_are_rejected() {
    let scalar = || Tensor::from(1.0);
    let input = TensorDataset::new(scalar(), numbers(1)).expect_err("a scalar");
    assert!(matches!(input, DataError::NoItemDimension { what: "input" }), "{input}");
    let none = TensorDataset::new(Vec::<Tensor>::new(), numbers(1)).expect_err("no tensor");
    assert!(matches!(none, DataError::NoItemDimension { what: "input" }), "{none}");
    let target = TensorDataset::new(numbers(1), scalar()).expect_err("a scalar");
    assert!(matches!(target, DataError::NoItemDimension { what: "target" }), "{target}");
}

#[test]
fn mixed_tensors_are_rejected_as_a_data_set() {
    let stacked = Input::Stacked { first: numbers(2), second: numbers(2), weight: numbers(2) };
    let error = TensorDataset::new(stacked, numbers(2)).expect_err("stacked");
    assert!(matches!(error, DataError::Mixed { what: "input" }), "{error}");
    let one = || Box::new(Target::Dense(numbers(2)));
    let mixed = Target::Mixed { first: one(), second: one(), weight: numbers(2) };
    let error = TensorDataset::new(numbers(2), mixed).expect_err("mixed");
    assert!(matches!(error, DataError::Mixed { what: "target" }), "{error}");
}

#[test]
fn several_inputs_are_gathered_together() -> Outcome {
    let two = TensorDataset::new(vec![numbers(4), numbers(4) * 10.0], numbers(4))?;
    let batch = two.batch(&[3, 1], &rngs())?;
    let values: Vec<Vec<f32>> = batch.input.tensors().into_iter().map(Vec::try_from).collect::<Result<_, _>>()?;
    assert_eq!(values, [[3.0, 1.0], [30.0, 10.0]]);
    Ok(())
}

#[test]
fn prepared_batches_are_returned_in_order_without_a_copy() -> Outcome {
    let batch =
        |value: i64, n: usize| Batch { input: zeros(n).into(), target: Tensor::from_slice(&vec![value; n]).into() };
    let data = Data::from_batches(vec![batch(7, 4), batch(8, 4), batch(9, 2)], vec![batch(1, 5)])?;
    let train = data.train();
    let order = train.order(&mut Rng::seed_from_u64(0))?;
    assert_eq!(order, [0, 1, 2]);
    assert_eq!(epoch(train, &order)?, [vec![7; 4], vec![8; 4], vec![9; 2]]);
    assert_eq!((train.items(), train.batches(), train.batch_size()), (Some(10), Some(3), 4));
    let (once, again) = (train.batch(&order, 1, &rngs())?, train.batch(&order, 1, &rngs())?);
    assert_eq!(once.target.tensor().data_ptr(), again.target.tensor().data_ptr());
    assert_eq!(data.to_string(), "10 training and 5 validation items of 2");
    Ok(())
}

#[test]
fn prepared_batches_that_do_not_fit_are_rejected() {
    let good = || Batch { input: zeros(4).into(), target: zeros(4).into() };
    let bad = || Batch { input: zeros(4).into(), target: zeros(3).into() };
    let error = Data::from_batches(vec![good(), bad()], vec![]).expect_err("four and three");
    assert_eq!(error.to_string(), "training batch 1, counted from 0, has an input of 4 items and a target of 3");
    let error = Data::from_batches(vec![good()], vec![bad()]).expect_err("four and three");
    assert_eq!(error.to_string(), "validation batch 0, counted from 0, has an input of 4 items and a target of 3");
    let error = Data::from_batches(vec![], vec![good()]).expect_err("nothing to train with");
    assert!(matches!(error, DataError::Empty { part: "training" }), "{error}");
}

#[test]
fn only_training_batches_are_shuffled_and_dropped() -> Outcome {
    let data = Data::builder(set(10)).valid(set(7)).batch_size(4).valid_batch_size(3).drop_last(true).build()?;
    assert_eq!(data.train().batches(), Some(2));
    let valid = data.valid().expect("given");
    let order = valid.order(&mut Rng::seed_from_u64(0))?;
    assert_eq!(epoch(valid, &order)?, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    assert_ne!(data.train().order(&mut Rng::seed_from_u64(0))?, (0..10).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn by_default_a_batch_has_64_items_and_nothing_is_dropped() -> Outcome {
    let data = Data::builder(set(65)).valid(set(129)).build()?;
    assert_eq!((data.train().batches(), data.valid().and_then(Loader::batches)), (Some(2), Some(3)));
    Ok(())
}

#[test]
fn options_that_leave_nothing_to_train_with_are_rejected() {
    let zero = Data::builder(set(10)).batch_size(0).build().expect_err("size 0");
    assert!(matches!(zero, DataError::BatchSize), "{zero}");
    let zero = Data::builder(set(10)).valid(set(10)).valid_batch_size(0).build().expect_err("size 0");
    assert!(matches!(zero, DataError::BatchSize), "{zero}");
    let empty = Data::builder(set(0)).build().expect_err("nothing");
    assert_eq!(empty.to_string(), "the training data has no items");
    let empty = Data::builder(set(1)).valid(set(0)).build().expect_err("nothing");
    assert_eq!(empty.to_string(), "the validation data has no items");
    let dropped = Data::builder(set(10)).batch_size(11).drop_last(true).build().expect_err("all dropped");
    assert!(matches!(dropped, DataError::NoBatch { items: 10, batch_size: 11 }), "{dropped}");
}

#[test]
fn the_summary_says_how_many_items_of_which_kind_there_are() -> Outcome {
    let data = Data::builder(set(1_234_567)).valid(set(999)).classes(["a", "b"]).build()?;
    assert_eq!(data.to_string(), "1,234,567 training and 999 validation items of 1 in 2 classes");
    let alone = Data::builder(TensorDataset::new(numbers(3), numbers(3))?).classes(["a"]).build()?;
    assert_eq!(alone.to_string(), "3 training items in 1 class, no validation");
    assert_eq!(alone.classes(), ["a"]);
    Ok(())
}

#[test]
fn data_may_be_sent_to_another_thread() -> Outcome {
    let data = Data::builder(set(3)).build()?;
    let items = std::thread::spawn(move || data.train().items()).join().map_err(|_| "the thread panicked")?;
    assert_eq!(items, Some(3));
    Ok(())
}
