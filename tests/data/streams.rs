//! Data without a length.

use mixup::{
    data::{InOrder, Stream},
    prelude::*,
};
use tch::Tensor;

use crate::{numbered, numbers, on, seen, support::Log};

/// Counts in batches of two, up to an end or forever.
struct Counter {
    next: u64,
    end: Option<u64>,
}

impl Counter {
    fn endless() -> Self {
        Self { next: 0, end: None }
    }
}

impl Stream for Counter {
    fn next(&mut self, _: &mut Rng) -> Result<Option<Batch>, DataError> {
        if self.end.is_some_and(|end| self.next >= end) {
            self.next = 0;
            return Ok(None);
        }
        let numbers = Tensor::f_from_slice(&[self.next as f32, self.next as f32 + 1.0])?.f_unsqueeze(1)?;
        self.next += 2;
        Ok(Some(Batch { input: numbers.shallow_clone().into(), target: numbers.into() }))
    }
}

impl Stateful for Counter {
    fn save(&self) -> Result<State, StateError> {
        State::of_data(&self.next)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.next = state.data()?;
        Ok(())
    }
}

fn build(stream: impl Stream + 'static, batches_per_epoch: usize) -> Learner {
    let data = Data::stream(stream).batches_per_epoch(batches_per_epoch).build().expect("a stream");
    on(data).build().expect("nothing is wrong with it")
}

#[test]
fn a_stream_continues_where_it_stopped() -> Result<(), StateError> {
    let mut learn = build(Counter::endless(), 3);
    assert_eq!(seen(&mut learn, 2).concat(), (0..12).collect::<Vec<_>>(), "the second epoch goes on after the first");
    assert_eq!(seen(&mut learn, 1).concat(), (12..18).collect::<Vec<_>>(), "so does the second training");
    let state = learn.state()?;
    assert_eq!(state.0["data/train"].data::<u64>()?, 18);

    // Another run of the program, later.
    let mut other = build(Counter::endless(), 3);
    other.load_state(&state)?;
    assert_eq!(seen(&mut other, 1).concat(), (18..24).collect::<Vec<_>>());

    // Other data begin anew in each epoch.
    let numbers = Data::builder(numbered(4)).build().expect("there are items");
    let state = on(numbers).build().expect("nothing is wrong with it").state()?;
    assert_eq!(state.0.keys().collect::<Vec<_>>(), ["life", "optimizer"]);
    Ok(())
}

#[test]
fn an_epoch_ends_with_the_stream_and_the_next_begins_it_anew() {
    let log = Log::default();
    let stream = || Counter { next: 0, end: Some(6) };
    let data = Data::stream(stream()).build().expect("a stream");
    assert_eq!((data.train().batches(), data.train().items()), (None, None));
    let writes = log.clone();
    let counts = hook!(on_batch_begin, train, move |batches: usize| writes.add(batches.to_string()));
    let mut learn = on(data).callback(counts).build().expect("nothing is wrong with it");
    assert_eq!(seen(&mut learn, 2), [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3], [4, 5]]);
    assert_eq!(log.take(), vec![usize::MAX.to_string(); 6], "nobody knows how many there will be");
    // A stream may end before the bound.
    assert_eq!(seen(&mut build(stream(), 2), 3), [[0, 1], [2, 3], [4, 5], [0, 1], [2, 3]]);
}

#[test]
fn a_stopped_epoch_leaves_the_stream_where_it_was() {
    let mut learn = build(Counter::endless(), 10);
    learn.callback(hook!(on_batch_end, train, every = 4, || StopTraining::because("enough")));
    assert_eq!(seen(&mut learn, 1).concat(), (0..8).collect::<Vec<_>>());
    assert_eq!(seen(&mut learn, 1).concat(), (8..16).collect::<Vec<_>>());
}

#[test]
fn a_stream_that_never_begins_is_an_error() {
    let error = build(Counter { next: 0, end: Some(0) }, 5).fit(1, 0.1).expect_err("there is no batch");
    assert_eq!(
        error.to_string(),
        "the data, epoch 0, training batch 0: the stream ended before the first batch of the epoch: the call after its end must \
         begin it anew"
    );
}

#[test]
fn a_batch_of_a_stream_must_fit_itself() {
    struct Uneven;

    impl Stream for Uneven {
        fn next(&mut self, _: &mut Rng) -> Result<Option<Batch>, DataError> {
            let numbers = |n: i64| Tensor::ones([n, 1], (tch::Kind::Float, tch::Device::Cpu));
            Ok(Some(Batch { input: numbers(3).into(), target: numbers(2).into() }))
        }
    }

    impl Stateful for Uneven {
        fn save(&self) -> Result<State, StateError> {
            Ok(State::new())
        }

        fn load(&mut self, _: &State) -> Result<(), StateError> {
            Ok(())
        }
    }

    let error = build(Uneven, 5).fit(1, 0.1).expect_err("three and two");
    assert_eq!(
        error.to_string(),
        "the data, epoch 0, training batch 0: the input has 3 items and the target 2, but each item needs both"
    );
}

#[test]
fn a_stream_has_no_order() {
    let data = Data::stream(Counter::endless()).sampler(InOrder).build();
    let text = "a stream has no order for a sampler: its batches come one after another, each once";
    assert_eq!(data.expect_err("there is none").to_string(), text);
    let mut learn = build(Counter::endless(), 2);
    learn.callback(hook!(on_epoch_begin, |sampler: &mut Sampling| sampler.set(InOrder)));
    let error = learn.fit(1, 0.1).expect_err("there is none");
    assert_eq!(error.to_string(), format!("the data, epoch 0: {text}"));
    let sample = learn.data().train().sample().expect_err("it would be lost");
    assert!(matches!(sample, DataError::Stream { what: "sample" }), "{sample}");
}

#[test]
fn a_stream_is_validated_on_data_with_a_length() {
    let stream = Data::stream(Counter::endless()).batches_per_epoch(2).valid(numbered(6)).classes(["a", "b"]);
    let data = stream.valid_batch_size(4).build().expect("a stream");
    assert_eq!(data.to_string(), "a stream of training items, and 6 for validation in 2 classes");
    let mut learn = on(data).build().expect("nothing is wrong with it");
    let report = learn.fit(2, 1e-9).expect("it trains");
    assert!(report.epochs.iter().all(|row| row.valid_loss.is_some()));
    assert_eq!(learn.predictions().expect("there is validation data").outputs.size(), [6, 1]);
}

/// Draws each of its batches.
struct Drawn;

impl Stream for Drawn {
    fn next(&mut self, rng: &mut Rng) -> Result<Option<Batch>, DataError> {
        let drawn = [0; 2].map(|_: u8| rng.random_range(0.0_f32..1000.0).round());
        let numbers = Tensor::f_from_slice(&drawn)?.f_unsqueeze(1)?;
        Ok(Some(Batch { input: numbers.shallow_clone().into(), target: numbers.into() }))
    }
}

impl Stateful for Drawn {
    fn save(&self) -> Result<State, StateError> {
        Ok(State::new())
    }

    fn load(&mut self, _: &State) -> Result<(), StateError> {
        Ok(())
    }
}

#[test]
fn the_draws_of_a_stream_are_a_function_of_the_epoch_and_the_batch() {
    let whole = seen(&mut build(Drawn, 3), 2);
    let mut learn = build(Drawn, 3);
    assert_eq!([seen(&mut learn, 1), seen(&mut learn, 1)].concat(), whole);
    let mut distinct = whole.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 6);
    // If a callback skips a batch, the others are the same.
    let mut skips = build(Drawn, 3);
    let log = Log::default();
    let writes = log.clone();
    skips.callback(hook!(on_batch_begin, train, move |num_batch: usize, last_target: &Target| {
        writes.add(format!("{:?}", numbers(last_target.tensor())));
        (num_batch == 1).then_some(SkipBatch)
    }));
    skips.fit(2, 1e-9).expect("it trains");
    assert_eq!(log.take(), whole.iter().map(|batch| format!("{batch:?}")).collect::<Vec<_>>());
}
