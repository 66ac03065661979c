//! Samplers: which items an epoch has, and in which order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mixup::{
    data::{InOrder, Shuffled},
    prelude::*,
};
use rand::SeedableRng as _;

use crate::{numbered, on, seen, support::Log};

/// Trains on one of several shards, as a user would write it to train one model on several machines.
struct OneOf {
    rank: usize,
    of: usize,
}

#[callback]
impl OneOf {
    fn on_train_begin(&self, sampler: &mut Sampling) -> Result<(), DataError> {
        let shard = Shard::new(self.rank, self.of)?;
        sampler.wrap(|inner| shard.around(inner));
        Ok(())
    }
}

fn data(items: i64) -> Data {
    Data::builder(numbered(items)).batch_size(4).build().expect("there are items")
}

fn build(builder: mixup::learner::LearnerBuilder<impl Model>) -> Learner {
    builder.build().expect("nothing is wrong with it")
}

#[test]
fn a_callback_trains_on_a_shard_of_a_common_shuffle() {
    let common = seen(&mut build(on(data(22))), 2).concat();
    let shards: Vec<Vec<i64>> =
        (0..3).map(|rank| seen(&mut build(on(data(22)).callback(OneOf { rank, of: 3 })), 2).concat()).collect();
    assert_eq!(shards.iter().map(Vec::len).collect::<Vec<_>>(), [2 * 8, 2 * 7, 2 * 7]);
    // Taken in turn from the shards, the items are the common order of each epoch.
    for (epoch, common) in common.chunks(22).enumerate() {
        let of_epoch = |shard: usize| shards[shard].chunks(shards[shard].len() / 2).nth(epoch).expect("two epochs");
        let dealt: Vec<i64> = (0..22).map(|place| of_epoch(place % 3)[place / 3]).collect();
        assert_eq!(dealt, common);
        let mut sorted = dealt;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..22).collect::<Vec<_>>(), "no item comes twice, and none is missing");
    }
    assert_ne!(common[..22], common[22..]);
}

#[test]
fn even_shards_leave_out_what_is_left_over() {
    let shard = |rank| {
        let sampler = Shard::new(rank, 3).expect("there is one").even(true);
        let data = Data::builder(numbered(22)).batch_size(4).sampler(sampler).build().expect("there are items");
        assert_eq!(data.train().batches(), Some(2));
        seen(&mut build(on(data)), 1).concat()
    };
    let mut all = [shard(0), shard(1), shard(2)].concat();
    assert_eq!(all.len(), 21);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 21);
}

#[test]
fn a_shard_has_as_many_entries_as_its_length() {
    for items in 0..20 {
        for of in 1..5 {
            for (rank, even) in (0..of).flat_map(|rank| [(rank, false), (rank, true)]) {
                let mut shard = Shard::new(rank, of).expect("there is one").even(even).around(InOrder);
                let order = shard.order(items, &mut Rng::seed_from_u64(0)).expect("nothing can go wrong");
                assert_eq!(order.len(), shard.len(items), "shard {rank} of {of} of {items}, even {even}");
            }
        }
    }
}

#[test]
fn a_shard_out_of_range_is_rejected() {
    for (rank, of) in [(3, 3), (0, 0)] {
        let error = Shard::new(rank, of).expect_err("there is none");
        assert!(matches!(error, DataError::Shard { .. }), "{error}");
    }
    let error = build(on(data(8)).callback(OneOf { rank: 2, of: 2 })).fit(1, 0.1).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "callback `OneOf`, hook `on_train_begin`, outside of the epochs: there is no shard 2 of 2: shards are counted from 0, and \
         there must be at least one"
    );
}

/// Sets the items' own order from a given epoch on.
struct InOrderFrom(usize);

#[callback]
impl InOrderFrom {
    fn on_epoch_begin(&self, epoch: usize, sampler: &mut Sampling) {
        if epoch >= self.0 {
            sampler.set(InOrder);
        }
    }
}

#[test]
fn a_sampler_set_when_an_epoch_begins_draws_the_order_of_that_epoch() {
    let plain = seen(&mut build(on(data(12))), 3).concat();
    let replaced = seen(&mut build(on(data(12)).callback(InOrderFrom(1))), 3).concat();
    assert_eq!(replaced[..12], plain[..12]);
    let in_order: Vec<i64> = (0..12).collect();
    assert_eq!(replaced[12..], [in_order.clone(), in_order].concat());
}

/// A way out of a training.
type Ends = fn() -> Result<Option<StopTraining>, String>;

/// Sets its own sampler, and takes a given way out.
struct Replaces(Ends);

#[callback]
impl Replaces {
    fn on_train_begin(sampler: &mut Sampling) {
        sampler.set(InOrder);
    }

    fn on_batch_end(&self) -> Result<Option<StopTraining>, String> {
        self.0()
    }
}

#[test]
fn the_learners_sampler_is_back_after_every_way_out() {
    let ways: [Ends; 4] = [
        || Ok(None),
        || Ok(Some(StopTraining::because("enough"))),
        || Err("the disk is full".to_owned()),
        || panic!("as planned"),
    ];
    for (way, ends) in ways.into_iter().enumerate() {
        let mut learn = build(on(data(12)).callback(Replaces(ends)));
        let ended = catch_unwind(AssertUnwindSafe(|| learn.fit(1, 0.1)));
        assert_eq!(ended.is_ok_and(|ended| ended.is_ok()), way < 2);
        learn.remove::<Replaces>().expect("it is there");
        let order = seen(&mut learn, 1).concat();
        // The epoch that was begun counts, so this is the second one's order.
        assert_eq!(order, seen(&mut build(on(data(12))), 2).concat()[12..], "way {way}");
    }
}

#[test]
fn each_callback_finds_the_sampler_as_it_left_it() {
    /// Sets its own sampler, and later restores the previous one without a check.
    struct Outer(Option<Sampling>);

    #[callback]
    impl Outer {
        fn on_train_begin(&mut self, sampler: &mut Sampling) {
            sampler.set(Shuffled);
            self.0 = Some(sampler.clone());
        }

        fn on_train_end(&mut self, sampler: &Sampling) {
            assert!(self.0.take().is_some_and(|own| own.is_same(sampler)));
        }
    }

    let mut learn = build(on(data(12)).callback(Outer(None)).callback(OneOf { rank: 0, of: 2 }));
    learn.fit(1, 0.1).expect("it trains");
    assert!(learn.get::<Outer>().is_some_and(|outer| outer.0.is_none()));
}

/// Records how many batches a pass has.
struct Counts(Log);

#[callback]
impl Counts {
    #[on(batch_begin, train, first)]
    fn write(&self, batches: usize) {
        self.0.add(batches.to_string());
    }
}

#[test]
fn an_order_may_be_longer_or_shorter_than_the_data() {
    let log = Log::default();
    for (draws, batches) in [(3, 1), (4, 1), (9, 3), (40, 10)] {
        let sampler = Weighted::new(vec![1.0; 10]).expect("weights").draws(draws);
        let data = Data::builder(numbered(10)).batch_size(4).sampler(sampler).build().expect("there are items");
        assert_eq!(data.train().batches(), Some(batches));
        let items = seen(&mut build(on(data).callback(Counts(log.clone()))), 1);
        assert_eq!((items.len(), items.concat().len()), (batches, draws));
        assert_eq!(log.take(), [batches.to_string()]);
    }
}

#[test]
fn batches_per_epoch_bounds_an_epoch() {
    let data = || Data::builder(numbered(20)).batch_size(4).batches_per_epoch(2).build().expect("there are items");
    let mut whole = build(on(Data::builder(numbered(20)).batch_size(4).build().expect("there are items")));
    let (bounded, whole) = (seen(&mut build(on(data())), 2), seen(&mut whole, 2));
    assert_eq!(bounded, [&whole[..2], &whole[5..7]].concat());
    let error = Data::builder(numbered(20)).batches_per_epoch(0).build().expect_err("an epoch of nothing");
    assert_eq!(error.to_string(), "`batches_per_epoch` is 0, but an epoch needs at least one batch");
}

#[test]
fn items_are_drawn_by_their_weights() {
    let weights = [0.0, 1.0, 3.0, 0.0, 4.0, 0.0];
    let mut sampler = Weighted::new(weights).expect("weights").draws(80_000);
    let order = sampler.order(6, &mut Rng::seed_from_u64(1)).expect("as many weights as items");
    let counts: Vec<usize> = (0..6).map(|item| order.iter().filter(|&&other| other == item).count()).collect();
    for (count, weight) in counts.iter().zip(weights) {
        let expected = weight * 10_000.0;
        assert!((*count as f64 - expected).abs() <= 4.0 * expected.sqrt(), "{counts:?}");
    }
}

#[test]
fn weights_out_of_range_are_rejected() {
    let told = |weights: &[f64]| Weighted::new(weights.to_vec()).expect_err("they can't be").to_string();
    assert_eq!(told(&[]), "no weight is above 0, so no item could be drawn");
    assert_eq!(told(&[0.0, 0.0]), "no weight is above 0, so no item could be drawn");
    let reason = "weights, and their sum, must be finite numbers of at least 0";
    assert_eq!(told(&[1.0, -2.0]), format!("item 1 has the weight -2: {reason}"));
    assert_eq!(told(&[f64::NAN]), format!("item 0 has the weight NaN: {reason}"));
    assert_eq!(told(&[1.0, f64::INFINITY]), format!("item 1 has the weight inf: {reason}"));
    assert!(told(&[f64::MAX, f64::MAX]).starts_with("item 1 has the weight 17976"));

    let sampler = Weighted::new([1.0, 2.0]).expect("weights");
    let data = Data::builder(numbered(8)).sampler(sampler).build().expect("there are items");
    let error = build(on(data)).fit(1, 0.1).expect_err("two weights for eight items");
    assert_eq!(error.to_string(), "the data, epoch 0: there are 2 weights for 8 items: each item needs one");
}

#[test]
fn the_error_for_an_unusable_order_names_the_sampler() {
    struct Always(Vec<usize>);

    impl Sampler for Always {
        fn order(&mut self, _: usize, _: &mut Rng) -> Result<Vec<usize>, DataError> {
            Ok(self.0.clone())
        }
    }

    let told = |order: &[usize], drop_last| {
        let builder = Data::builder(numbered(8)).batch_size(4).drop_last(drop_last).sampler(Always(order.to_vec()));
        build(on(builder.build().expect("there are items"))).fit(1, 0.1).expect_err("it can't be").to_string()
    };
    assert_eq!(
        told(&[1, 8], false),
        "the data, epoch 0: the sampler `Always` chose item 8, but the data has 8, counted from 0"
    );
    let too_few =
        "the data, epoch 0: the sampler `Always` chose too few items for one batch, so there is nothing to train with";
    assert_eq!(told(&[], false), too_few);
    assert_eq!(told(&[1, 2, 3], true), too_few, "`drop_last` drops the three");
}

#[test]
fn prepared_batches_are_drawn_as_batches() {
    let batch = |number: i64| {
        let numbers = || tch::Tensor::from_slice(&[number as f32; 3]).unsqueeze(1);
        Batch { input: numbers().into(), target: numbers().into() }
    };
    let data = Data::from_batches((0..6).map(batch).collect(), Vec::new()).expect("batches");
    let half = seen(&mut build(on(data).callback(OneOf { rank: 1, of: 2 })), 1);
    assert_eq!(half, [vec![1; 3], vec![3; 3], vec![5; 3]]);
}

#[test]
fn a_validation_goes_through_all_items_whatever_the_sampler_is() {
    let data = Data::builder(numbered(8)).valid(numbered(6)).batch_size(4).build().expect("there are items");
    let log = Log::default();
    let mut learn = build(on(data).callback(OneOf { rank: 0, of: 2 }));
    let writes = log.clone();
    learn.callback(hook!(on_batch_begin, valid, move |last_target: &Target| {
        writes.add(format!("{:?}", crate::numbers(last_target.tensor())));
    }));
    learn.fit(1, 1e-9).expect("it trains");
    assert_eq!(log.take(), ["[0, 1, 2, 3]", "[4, 5]"]);
}
