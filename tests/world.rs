//! What the language has for trainings of several processes. Here the processes are learners of one, which take turns: what they would send
//! each other, the tests hand over.
#![allow(clippy::float_cmp, reason = "what must be the same to the bit is compared so")]

mod support;

use std::{
    fs,
    sync::{Arc, Mutex},
};

use mixup::{callback::Callback, learner::LearnerBuilder, metrics::Metric, prelude::*, training::BuildError};
use support::{Log, bits, data, items, on, process, series};
use tch::{Device, Kind, Tensor};

fn world(rank: usize, size: usize) -> World {
    World::new(rank, size).expect("a rank below the size")
}

#[test]
fn a_process_that_does_not_exist_is_refused() {
    for (rank, size) in [(2, 2), (0, 0)] {
        let error = World::new(rank, size).expect_err("there is none");
        assert!(matches!(error, BuildError::World { .. }));
        assert!(error.to_string().starts_with(&format!("there is no process {rank} of {size}")), "{error}");
    }
    assert_eq!(world(1, 2).to_string(), "rank 1 of 2");
    assert!(world(0, 2).is_first() && world(0, 2).is_shared() && !World::default().is_shared());
}

/// The numbers of a batch.
fn shown(input: &Input) -> String {
    let numbers = Vec::<f32>::try_from(input.one().expect("one tensor").flatten(0, -1));
    format!("{:?}", numbers.expect("floats"))
}

/// The items of each training batch, what a callback draws, and what libtorch draws.
fn drawn(world: World) -> [Vec<String>; 3] {
    let logs = [(); 3].map(|()| Log::default());
    let [inputs, draws, noise] = logs.clone();
    let look = hook!(on_batch_begin, train, move |last_input: &Input, rng: &mut Rng| {
        inputs.add(shown(last_input));
        draws.add(rng.random::<u64>().to_string());
        noise.add(Tensor::rand([1], (Kind::Double, Device::Cpu)).double_value(&[]).to_string());
    });
    let data = Data::builder(items(20)).batch_size(4).build().expect("there are items");
    let mut learn = on(data).callback(look).seed(3).world(world).build().expect("it fits");
    learn.fit(2, 0.01).expect("nothing is wrong");
    logs.map(|log| log.take())
}

#[test]
fn each_process_draws_for_itself_but_all_draw_the_same_order() {
    // libtorch has one generator, from which the other tests here would draw too.
    if !process::alone("each_process_draws_for_itself_but_all_draw_the_same_order") {
        return;
    }
    let alone = drawn(World::default());
    let [first, second, third] = [0, 1, 2].map(|rank| drawn(world(rank, 3)));
    assert_eq!(first, alone, "the first process draws what an only one draws");
    assert_eq!((&first[0], &first[0]), (&second[0], &third[0]), "the order of the items");
    for which in [1, 2] {
        let all: std::collections::HashSet<_> = [&first, &second, &third].iter().flat_map(|of| &of[which]).collect();
        assert_eq!(all.len(), 3 * 2 * 5);
    }
}

#[test]
fn the_first_weights_are_the_same_in_all_processes() {
    let weights = |world| {
        let model = |vs: &mixup::model::Vars<'_>| tch::nn::linear(vs / "layer", 3, 2, tch::nn::LinearConfig::default());
        bits(&Learner::builder(data(8, 0), model).quiet().seed(5).world(world).build().expect("it fits"))
    };
    assert_eq!(weights(world(0, 2)), weights(world(1, 2)));
}

#[test]
fn only_the_first_process_shows_progress_and_writes_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for rank in [0, 1] {
        let own = folder.path().join(rank.to_string());
        fs::create_dir(&own).expect("a folder");
        let mut learn = Learner::builder(data(8, 4), |vs| support::linear(vs, 3, 2))
            .metric(accuracy)
            .callback(CsvLogger::to(own.join("history.csv")))
            .callback(JsonLines::to(own.join("log.jsonl")).every_batches(1))
            .callback(TensorBoard::in_dir(own.join("events")))
            .callback(SaveBest::on(accuracy).to(own.join("best.safetensors")))
            .checkpoints(Checkpoints::in_dir(own.join("checkpoints")))
            .world(world(rank, 2))
            .build()
            .expect("it fits");
        assert_eq!(learn.get::<Progress>().is_some(), rank == 0);
        learn.fit(1, 0.01).expect("nothing is wrong");
        assert_eq!(fs::read_dir(&own).expect("a folder").count(), if rank == 0 { 5 } else { 0 });
    }
}

#[test]
fn a_callback_divides_the_validation_and_the_learner_gives_its_sampler_back() {
    /// Every second item.
    struct Second(Sampling);

    impl Sampler for Second {
        fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
            Ok(self.0.order(items, rng)?.into_iter().skip(1).step_by(2).collect())
        }
    }

    let seen = Arc::new(Mutex::new(Vec::new()));
    let pen = seen.clone();
    let count = hook!(on_batch_end, valid, move |last_target: &Target| {
        pen.lock().expect("no panic").push(last_target.items());
    });
    let divide = hook!(on_train_begin, |valid_sampler: &mut Sampling| valid_sampler.wrap(Second));
    let mut learn = on(data(8, 14)).callback(divide).callback(count).build().expect("it fits");
    learn.fit(1, 0.01).expect("nothing is wrong");
    assert_eq!(std::mem::take(&mut *seen.lock().expect("no panic")), [4, 3]);
    learn.validate().expect("there is validation data");
    assert_eq!(*seen.lock().expect("no panic"), [4, 4, 4, 2], "outside of the training it is whole");
}

/// A learner whose model returns its input.
fn measuring(items: TensorDataset, metrics: bool) -> LearnerBuilder<impl Model<Output = Tensor>> {
    let data = Data::builder(self::items(4)).valid(items).batch_size(5).build().expect("there are items");
    let model = |vs: &mixup::model::Vars<'_>| {
        let _unused = vs.path().zeros("unused", &[1]);
        tch::nn::func(Tensor::shallow_clone)
    };
    let builder = Learner::builder(data, model).quiet();
    if !metrics {
        return builder;
    }
    let builder = builder.metric(accuracy).metric(TopK(2)).metric(RocAuc::default()).metric(Perplexity::default());
    builder.metric(Precision::default()).metric(Recall::new(Average::Weighted)).metric(FBeta::f1(Average::Micro))
}

/// Scores of `count` items from `from` on, and their classes.
fn scores(from: i64, count: i64) -> TensorDataset {
    let scores = series(40 * 3, 0.7).reshape([40, 3]).narrow(0, from, count);
    let classes = Tensor::arange(40, (Kind::Int64, Device::Cpu)).remainder(3).narrow(0, from, count);
    TensorDataset::new(scores, classes).expect("as many classes as items")
}

/// Numbers of `count` items from `from` on, and what they should be.
fn numbers(from: i64, count: i64) -> TensorDataset {
    let wanted = series(40 * 2, 0.3).reshape([40, 2]);
    let found = &wanted + series(40 * 2, 1.1).reshape([40, 2]) * 0.3;
    TensorDataset::new(found.narrow(0, from, count), wanted.narrow(0, from, count)).expect("as many")
}

/// What a validation measures, for the others.
fn sent(builder: LearnerBuilder<impl Model<Output = Tensor>>) -> State {
    let tally = Arc::new(Mutex::new(State::new()));
    let pen = tally.clone();
    let keep = hook!(on_validate_tally, move |tally: &mut Tally| {
        *pen.lock().expect("no panic") = tally.state().clone();
    });
    builder.callback(keep).build().expect("it fits").validate().expect("nothing is wrong");
    let state = tally.lock().expect("no panic").clone();
    // As bytes, as it would be sent.
    let mut bytes = Vec::new();
    ciborium::into_writer(&state, &mut bytes).expect("it can be written");
    ciborium::from_reader(&bytes[..]).expect("it can be read")
}

fn joining(states: Vec<State>) -> impl mixup::callback::Callback {
    hook!(on_validate_tally, move |tally: &mut Tally| tally.join(states.clone()))
}

#[test]
fn joined_measurements_are_those_of_one_process_that_validates_everything() {
    // 40 items in one process; 23 and 17 in two, in other batches.
    let states = [(0, 23), (23, 17)].map(|(from, count)| sent(measuring(scores(from, count), true)));
    let whole = measuring(scores(0, 40), true).build().expect("it fits").validate().expect("nothing is wrong");
    let builder = measuring(scores(0, 23), true).callback(joining(states.to_vec()));
    let joined = builder.build().expect("it fits").validate().expect("nothing is wrong");
    assert_eq!(joined.metrics.len(), 7);
    assert!((joined.loss - whole.loss).abs() < 1e-6, "{joined}, and {whole}");
    for ((name, joined), (_, whole)) in joined.metrics.iter().zip(&whole.metrics) {
        assert!((joined - whole).abs() < 1e-6, "{name}: {joined}, and {whole}");
    }
}

#[test]
fn joined_errors_of_numbers_are_those_of_one_process() {
    let measuring = |items| {
        let builder = measuring(items, false).loss(Mse).metric(Rmse::default());
        builder.metric(R2::default()).metric(mae)
    };
    let states = [(0, 11), (11, 29)].map(|(from, count)| sent(measuring(numbers(from, count))));
    let whole = measuring(numbers(0, 40)).build().expect("it fits").validate().expect("nothing is wrong");
    let builder = measuring(numbers(0, 11)).callback(joining(states.to_vec()));
    let joined = builder.build().expect("it fits").validate().expect("nothing is wrong");
    for ((name, joined), (_, whole)) in joined.metrics.iter().zip(&whole.metrics) {
        assert!((joined - whole).abs() < 1e-6, "{name}: {joined}, and {whole}");
    }
}

#[test]
fn the_joined_numbers_are_what_everybody_reads() {
    let states = vec![sent(measuring(scores(0, 23), true)), sent(measuring(scores(23, 17), true))];
    let read = Arc::new(Mutex::new(None));
    let pen = read.clone();
    let look = hook!(on_validate_end, move |valid_loss: Option<f64>, roc_auc: &Value| {
        *pen.lock().expect("no panic") = Some((valid_loss, roc_auc.read().expect("on the CPU")));
    });
    let builder = measuring(scores(0, 23), true).callback(look).callback(joining(states));
    let joined = builder.build().expect("it fits").validate().expect("nothing is wrong");
    assert_eq!(*read.lock().expect("no panic"), Some((Some(joined.loss), Some(joined.metrics[2].1))));
}

/// Counts items, and can't be joined.
#[derive(Default)]
struct Count(f64);

support::number_is_state!(Count);

impl OverSet for Count {
    fn push(&mut self, _: &Tensor, target: &Target) -> Result<(), BoxError> {
        self.0 += target.items() as f64;
        Ok(())
    }

    fn value(&mut self) -> Result<Tensor, BoxError> {
        Ok(Tensor::from(self.0))
    }

    fn reset(&mut self) {
        self.0 = 0.0;
    }
}

impl Metric for Count {
    fn over_set(&mut self) -> Option<&mut dyn OverSet> {
        Some(self)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

#[test]
fn what_can_not_be_joined_is_an_error_that_says_why() {
    let build = |states: Vec<State>| {
        measuring(scores(0, 23), false).metric(Count::default()).callback(joining(states)).build().expect("it fits")
    };
    let own = sent(measuring(scores(0, 23), false).metric(Count::default()));
    let error = build(vec![own]).validate().expect_err("it has no `merge`").to_string();
    assert!(error.ends_with("implement `OverSet::merge`") && error.starts_with("the metric `Count`"), "{error}");
    let other = sent(measuring(scores(0, 23), false));
    let error = build(vec![other]).validate().expect_err("it is of another learner").to_string();
    assert!(error.starts_with("what the validation has measured") && error.contains("`metric/Count`"), "{error}");
}

/// Each process has the entries `rank`, `rank + 2`, …, under a name that is the same for both.
struct Half(Sampling, usize);

impl Sampler for Half {
    fn order(&mut self, items: usize, rng: &mut Rng) -> Result<Vec<usize>, DataError> {
        Ok(self.0.order(items, rng)?.into_iter().skip(self.1).step_by(2).collect())
    }

    fn len(&self, items: usize) -> usize {
        items / 2
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        self.0.stateful()
    }

    fn is_stateless(&self) -> bool {
        true
    }
}

struct Halves;

#[callback]
impl Halves {
    fn on_train_begin(sampler: &mut Sampling, world: World) {
        sampler.wrap(|inner| Half(inner, world.rank()));
    }
}

/// Notes the items of each training batch.
struct Watch(Log);

#[callback(stateless)]
impl Watch {
    #[on(batch_begin, train)]
    fn note(&self, epoch: usize, last_input: &Input) {
        self.0.add(format!("{epoch} {}", shown(last_input)));
    }
}

#[test]
fn the_second_process_goes_on_from_the_file_of_the_first_one_with_its_own_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let watched = |rank: usize, resumes: Option<&str>| {
        let log = Log::default();
        let data = Data::builder(items(24)).batch_size(3).valid(items(4)).build().expect("there are items");
        let saved = Checkpoints::in_dir(folder.path()).every_batches(1).keep_last(100);
        let builder = on(data).callback(Halves).callback(Watch(log.clone())).checkpoints(saved);
        let mut learn = builder.world(world(rank, 2)).build().expect("it fits");
        match resumes {
            None => learn.fit(2, 0.01),
            Some(name) => learn.resume_from(folder.path().join(name)),
        }
        .expect("nothing is wrong");
        log.take()
    };
    let [first, second] = [0, 1].map(|rank| watched(rank, None));
    assert_eq!((first.len(), second.len()), (8, 8));
    assert!(first.iter().all(|batch| !second.contains(batch)), "they have other items");
    // Checkpoint 3 is before batch 3 of epoch 0: the second process has the rest of its own order.
    assert_eq!(watched(1, Some("checkpoint-00000003.safetensors")), second[3..]);
}

/// The numbers from one on, and whether all processes have the same state.
struct Numbered(u64, bool);

impl mixup::data::Stream for Numbered {
    fn next(&mut self, _: &mut Rng) -> Result<Option<Batch>, DataError> {
        self.0 += 1;
        let x = Tensor::f_full([2, 3], self.0 as f64, (Kind::Float, Device::Cpu))?;
        Ok(Some(Batch { target: Tensor::f_zeros([2], (Kind::Int64, Device::Cpu))?.into(), input: x.into() }))
    }

    fn is_common(&self) -> bool {
        self.1
    }
}

support::number_is_state!(Numbered);

#[test]
fn a_stream_goes_on_in_all_processes_only_if_its_state_is_common() {
    let folder = tempfile::tempdir().expect("a folder");
    let learner = |is_common| {
        let data = Data::stream(Numbered(0, is_common)).batches_per_epoch(3).build().expect("there are batches");
        let saved = Checkpoints::in_dir(folder.path()).every_batches(1).keep_last(100);
        on(data).checkpoints(saved).world(world(0, 2)).build().expect("it fits")
    };
    let mut whole = learner(true);
    whole.fit(2, 0.01).expect("nothing is wrong");
    let file = folder.path().join("checkpoint-00000002.safetensors");
    let mut again = learner(true);
    again.resume_from(&file).expect("all have the same state");
    assert_eq!(bits(&again), bits(&whole));
    let error = learner(false).resume_from(&file).expect_err("each has its own").to_string();
    assert!(error.contains("return true from `Stream::is_common`"), "{error}");
}

#[test]
fn another_number_of_processes_does_not_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let learner = |size| {
        let saved = Checkpoints::in_dir(folder.path());
        on(data(8, 0)).checkpoints(saved).world(world(0, size)).build().expect("it fits")
    };
    learner(2).fit(1, 0.01).expect("nothing is wrong");
    let error = learner(3).resume_to(2).expect_err("there are three now").to_string();
    assert!(error.ends_with("is of a training with other processes: 2; here: 3, so start 2"), "{error}");
}

/// In order, and remembers how often it was asked.
struct Asked(u64);

support::number_is_state!(Asked);

impl Sampler for Asked {
    fn order(&mut self, items: usize, _: &mut Rng) -> Result<Vec<usize>, DataError> {
        self.0 += 1;
        Ok((0..items).collect())
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

#[test]
fn a_sampler_with_a_state_is_refused_where_its_order_must_be_drawn_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let learner = || {
        let data = Data::builder(items(12)).batch_size(3).sampler(Asked(0)).build().expect("there are items");
        let saved = Checkpoints::in_dir(folder.path()).every_batches(1).keep_last(100);
        on(data).checkpoints(saved).world(world(0, 2)).build().expect("it fits")
    };
    learner().fit(2, 0.01).expect("nothing is wrong");
    let error = learner().resume_from(folder.path().join("checkpoint-00000002.safetensors"));
    let error = error.expect_err("it is in the middle of an epoch").to_string();
    assert!(error.contains("the sampler `Asked` has a state"), "{error}");
}

#[test]
fn a_checkpoint_waits_until_what_it_has_is_that_of_all_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    for (rank_of, name) in [(World::default(), "alone"), (world(0, 2), "shared")] {
        let own = folder.path().join(name);
        let builder = on(data(16, 8)).callback(Accumulate::batches(2));
        let saved = Checkpoints::in_dir(&own).every_batches(1).keep_last(100);
        builder.checkpoints(saved).world(rank_of).build().expect("it fits").fit(1, 0.01).expect("nothing is wrong");
    }
    let files = |name: &str| fs::read_dir(folder.path().join(name)).expect("a folder").count();
    // Before each batch but the first, before the validation and after the epoch; not while gradients are kept.
    assert!(files("shared") < files("alone"), "{} and {}", files("shared"), files("alone"));
    assert!(files("shared") >= 2);
}

/// What the smoothed loss is after each batch, and what the report says of the epochs, with a callback.
fn losses(callback: impl Callback) -> [Vec<f64>; 2] {
    let log = Arc::new(Mutex::new(Vec::new()));
    let pen = log.clone();
    let look = hook!(on_step_end, move |smooth_loss: f64| pen.lock().expect("no panic").push(smooth_loss));
    let mut learn = on(data(12, 0)).callback(callback).callback(look).build().expect("it fits");
    let report = learn.fit(2, 0.1).expect("nothing is wrong");
    let smooth = log.lock().expect("no panic").clone();
    [smooth, report.epochs.iter().map(|epoch| epoch.train_loss).collect()]
}

#[test]
fn the_running_loss_is_what_a_callback_sets_it_to() {
    let keep = hook!(on_backward_end, |running_loss: &mut RunningLoss| running_loss.set(running_loss.get()?));
    let half = hook!(on_backward_end, |running_loss: &mut RunningLoss| running_loss.set(running_loss.get()? / 2.0));
    let nothing = hook!(on_backward_end, || ());
    let [plain, rows] = losses(nothing);
    assert_eq!(rows, [plain[plain.len() / 2 - 1], plain[plain.len() - 1]]);
    let [kept, kept_rows] = losses(keep);
    let close = |one: &[f64], other: &[f64]| one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-12);
    assert!(close(&kept, &plain) && close(&kept_rows, &rows), "{kept:?} {plain:?}");
    let [halved, halved_rows] = losses(half);
    assert!((halved[0] - plain[0] / 2.0).abs() < 1e-12 && halved[1] < plain[1] / 2.0, "{halved:?} {plain:?}");
    assert_eq!(halved_rows, [halved[halved.len() / 2 - 1], halved[halved.len() - 1]]);
}

/// Holds interrupts off, if it does.
struct Hold(bool);

#[callback]
impl Hold {
    fn on_train_begin(&self, interrupt: &Interrupt) {
        if self.0 {
            interrupt.hold();
        }
    }
}

#[test]
fn an_interrupt_that_is_held_off_ends_the_run_once_it_is_released() {
    /// Interrupts the run in its second batch.
    #[callback(on_batch_begin, train, stateless)]
    fn break_off(iteration: usize, interrupt: &Interrupt) {
        if iteration == 1 {
            interrupt.interrupt();
        }
    }

    let release = hook!(on_batch_begin, train, |iteration: usize, interrupt: &Interrupt| {
        if iteration == 3 {
            assert!(interrupt.is_used());
            interrupt.release();
        }
    });
    let learner = || on(data(24, 0)).callback(break_off);
    let ended = |learn: &mut Learner| learn.fit(1, 0.1).map_or_else(|error| error.to_string(), |_| "fine".to_owned());
    let mut learn = learner().callback(Hold(true)).callback(release).build().expect("it fits");
    assert_eq!(ended(&mut learn), "interrupted, epoch 0, training batch 3");
    let mut learn = learner().callback(Hold(true)).build().expect("it fits");
    assert_eq!(ended(&mut learn), "fine");
    learn.get_mut::<Hold>().expect("it was added").0 = false;
    assert_eq!(ended(&mut learn), "interrupted, epoch 0, training batch 1", "a hold ends with its run");
    assert!(!learn.interrupt_handle().is_used(), "no run is in progress");
}
