//! What begins, ends: for every way out of a training, with every arrangement of callbacks that change the loss function.
//!
//! Each of the ways out below is combined with each arrangement in the tests. After each, the learner must equal one that
//! never had an error, to the bit.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
};

use mixup::{callback::Hook, prelude::*, training::Error};
use support::{
    Log, bits,
    fuse::{Fuse, Fused, Place, Saboteur, Trouble, metric},
    gradients, hooks_returning, is_of_predictions, items, linear, panic_text,
};
use tch::Tensor;

/// Ctrl-C affects the whole process: while a test of it runs, no other test may train.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records its begin and its end, and whether the loss function was the learner's own then.
struct Witness {
    name: &'static str,
    log: Log,
    original: LossFunc,
}

#[callback]
impl Witness {
    fn on_train_begin(&mut self) {
        self.log.add(format!("{} begins", self.name));
    }

    fn on_train_end(&mut self, loss_func: &LossFunc) {
        let own = if loss_func.is_same(&self.original) { "own" } else { "wrapped" };
        self.log.add(format!("{} ends, {own}", self.name));
    }
}

/// A user's callback that changes the loss function as `MixUp` does: it halves it until training ends.
struct Halved {
    log: Log,
    original: Option<LossFunc>,
}

impl Halved {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), original: None }
    }
}

fn halved(loss_func: &LossFunc) -> LossFunc {
    LossFunc::new(HalvedLoss(loss_func.clone()))
}

/// Half of another loss.
struct HalvedLoss(LossFunc);

impl Loss for HalvedLoss {
    fn loss(&self, output: &Tensor, target: &Target, reduction: Reduction) -> Result<Tensor, BoxError> {
        self.0.loss(output, target, reduction).map(|loss| loss * 0.5)
    }

    fn check(&self, output: &Tensor, target: &Target) -> Result<(), BoxError> {
        Loss::check(&self.0, output, target)
    }
}

#[callback]
impl Halved {
    fn on_train_begin(&mut self, loss_func: &mut LossFunc) {
        self.log.add("halved begins");
        let wrapped = halved(loss_func);
        self.original = Some(std::mem::replace(loss_func, wrapped));
    }

    fn on_train_end(&mut self, loss_func: &mut LossFunc) {
        self.log.add("halved ends");
        if let Some(original) = self.original.take() {
            *loss_func = original;
        }
    }
}

/// The same by a careless user: it never restores the loss function.
struct Careless;

#[callback]
impl Careless {
    fn on_train_begin(&mut self, loss_func: &mut LossFunc) {
        *loss_func = halved(loss_func);
    }
}

/// How the callbacks between the witnesses are arranged.
type Arrange = fn(&mut Learner, &Log);

/// The saboteur's place among these callbacks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sabotage {
    BeforeThem,
    BehindThem,
}

/// A learner with a fuse in every part, and with these callbacks: the first witness, the arrangement and the saboteur, the last
/// witness.
fn learner(fuse: &Fuse, log: &Log, arrange: Arrange, sabotage: Sabotage) -> Learner {
    let part = |count| Fused(items(count), fuse.clone());
    let data = Data::builder(part(16)).valid(part(7)).batch_size(4).build().expect("there are items");
    let model_fuse = fuse.clone();
    let mut learn = Learner::builder(data, move |vars| Fused(linear(vars, 3, 2), model_fuse))
        .loss(Fused(CrossEntropy::default(), fuse.clone()))
        .metric_named("accuracy", metric(fuse))
        .seed(7)
        .quiet()
        .build()
        .expect("nothing is wrong with it");
    let original = learn.loss_func().clone();
    let witness = |name| Witness { name, log: log.clone(), original: original.clone() };
    learn.callback(witness("first"));
    if sabotage == Sabotage::BeforeThem {
        learn.callback(Saboteur(fuse.clone()));
    }
    arrange(&mut learn, log);
    if sabotage == Sabotage::BehindThem {
        learn.callback(Saboteur(fuse.clone()));
    }
    learn.callback(witness("last"));
    learn
}

/// Every way out, and how often its place is passed before. Training has four batches, validation two.
fn ways(learn: &Learner) -> Vec<Option<(Place, Trouble, usize)>> {
    let mut ways = vec![None];
    let times = |hook| if matches!(hook, Hook::TrainBegin | Hook::TrainEnd) { 0..1 } else { 0..2 };
    let mut add = |place, trouble: Trouble, after| ways.push(Some((place, trouble, after)));
    for hook in hooks_returning("StopTraining") {
        times(hook).for_each(|after| add(Place::Hook(hook), Trouble::stop(), after));
    }
    for &hook in Hook::ALL.iter().filter(|hook| !hook.is_always() && !is_of_predictions(**hook)) {
        for after in times(hook) {
            add(Place::Hook(hook), Trouble::Error, after);
            add(Place::Hook(hook), Trouble::Panic, after);
        }
        if hook != Hook::TrainEnd {
            add(Place::Hook(hook), Trouble::CtrlC, 0);
            add(Place::Hook(hook), Trouble::Interrupt(learn.interrupt_handle()), 0);
        }
    }
    // The fifth batch is the first validation batch; the batch hook that runs for the fifth time is in it.
    add(Place::Hook(Hook::BatchBegin), Trouble::stop(), 4);
    for place in [Place::Model, Place::Loss, Place::Data] {
        for after in [0, 1, 4, 5, 9] {
            add(place, Trouble::Error, after);
            add(place, Trouble::Panic, after);
        }
    }
    for after in [0, 1] {
        add(Place::Metric, Trouble::Error, after);
        add(Place::Metric, Trouble::Panic, after);
    }
    ways
}

/// Takes every way out of a training, and checks what is left.
fn every_way_out(arrange: Arrange, owned_by: &[&str]) {
    let _alone = alone();
    for sabotage in [Sabotage::BeforeThem, Sabotage::BehindThem] {
        let count = ways(&learner(&Fuse::default(), &Log::default(), arrange, sabotage)).len();
        for number in 0..count {
            let (fuse, log) = (Fuse::default(), Log::default());
            let mut learn = learner(&fuse, &log, arrange, sabotage);
            let way = ways(&learn).swap_remove(number);
            if let Some((place, trouble, after)) = way.clone() {
                fuse.set(place, trouble, after);
            }
            let case = format!("{way:?}, sabotage {sabotage:?}");
            let original = learn.loss_func().clone();
            let ended = catch_unwind(AssertUnwindSafe(|| learn.fit(2, 0.1)));
            assert!(!fuse.is_set(), "{case}: it was not reached");
            ended_as_told(&learn, ended, way.as_ref(), &case);

            let ends_early = matches!(&way, Some((Place::Hook(Hook::TrainBegin), Trouble::Error | Trouble::Panic, _)));
            let mut begun = vec!["first"];
            if !(ends_early && sabotage == Sabotage::BeforeThem) {
                begun.extend(owned_by);
            }
            if !ends_early {
                begun.push("last");
            }
            brackets(&log.take(), &begun, &case);
            assert!(learn.loss_func().is_same(&original), "{case}: the loss function is another");
            assert!(gradients(&learn).is_empty(), "{case}: a gradient is left");
            trains_on_as_if_nothing_had_been(&mut learn, arrange, sabotage, &case);
        }
    }
}

/// Checks that the training ended as its way out requires, by its result and its report.
fn ended_as_told(
    learn: &Learner,
    ended: std::thread::Result<Result<Report, Error>>,
    way: Option<&(Place, Trouble, usize)>,
    case: &str,
) {
    let outcome = learn.report().outcome;
    match (way, ended) {
        (None, Ok(Ok(report))) => assert_eq!((report.outcome, report.epochs.len()), (Outcome::Finished, 2), "{case}"),
        (Some((Place::Hook(at), Trouble::Return(_), _)), Ok(Ok(report))) => {
            let stopped = Outcome::Stopped { by: "Saboteur".to_owned(), hook: *at, why: "as planned".to_owned() };
            assert_eq!(report.outcome, stopped, "{case}");
        }
        (Some((place, Trouble::Error, _)), Ok(Err(error))) => {
            let told = match (place, &error) {
                (Place::Hook(hook), Error::Callback { at, .. }) => at.hook == *hook && at.callback == "Saboteur",
                (Place::Model, Error::Model { .. })
                | (Place::Loss, Error::Loss { .. })
                | (Place::Data, Error::Data { .. }) => true,
                (Place::Metric, Error::Metric { metric, .. }) => metric == "accuracy",
                _ => false,
            };
            assert!(told, "{case}: {error}");
            // An error of `on_train_end` is not one of the training.
            let failed = Outcome::Failed { error: error.to_string() };
            let expected = if *place == Place::Hook(Hook::TrainEnd) { Outcome::Finished } else { failed };
            assert_eq!(outcome, expected, "{case}");
        }
        (Some((place, Trouble::Panic, _)), Err(payload)) => {
            let message = panic_text(&*payload);
            assert_eq!(message, format!("as planned, in {place:?}"), "{case}");
            let panicked = Outcome::Panicked { message };
            let expected = if *place == Place::Hook(Hook::TrainEnd) { Outcome::Finished } else { panicked };
            assert_eq!(outcome, expected, "{case}");
        }
        (Some((_, Trouble::CtrlC | Trouble::Interrupt(_), _)), Ok(Err(Error::Interrupted { .. }))) => {
            assert_eq!(outcome, Outcome::Interrupted, "{case}");
        }
        (_, ended) => panic!("{case}: it ended with {:?}", ended.map_err(|payload| panic_text(&*payload))),
    }
}

/// Checks that the callbacks that began, and only these, ended, each once and in reverse order, the first of them with the
/// learner's own loss function.
fn brackets(log: &[String], begun: &[&str], case: &str) {
    let begins = begun.iter().map(|name| format!("{name} begins"));
    let ends = begun.iter().rev().map(|name| format!("{name} ends"));
    let names: Vec<_> = log.iter().map(|line| line.split(',').next().unwrap_or(line).to_owned()).collect();
    assert_eq!(names, begins.chain(ends).collect::<Vec<_>>(), "{case}");
    assert_eq!(log.last().map(String::as_str), Some("first ends, own"), "{case}");
}

/// Begins an epoch, and skips it at once.
struct Leaves;

#[callback]
impl Leaves {
    fn on_epoch_begin() -> StopTraining {
        StopTraining::because("it has begun")
    }
}

/// Checks that the next training equals that of a learner that never had an error and that begins with the same parameters and
/// moments, in the same epoch of its life.
fn trains_on_as_if_nothing_had_been(learn: &mut Learner, arrange: Arrange, sabotage: Sabotage, case: &str) {
    let mut twin = learner(&Fuse::default(), &Log::default(), arrange, sabotage);
    tch::no_grad(|| {
        for ((_, from), (_, to)) in learn.params().iter().zip(twin.params().iter()) {
            to.shallow_clone().copy_(from);
        }
    });
    let moments = State::of(&learn.opt_mut().stateful()).expect("its state");
    // The twin's parameters have the same names and shapes.
    moments.load_into(&mut twin.opt_mut().stateful()).expect("the same optimizer");
    twin.callback(Leaves);
    while twin.position().epochs_before < learn.position().epochs_before {
        twin.fit(1, 0.1).expect("a stop is no error");
    }
    twin.remove::<Leaves>().expect("it is there");
    let expected = twin.fit(2, 0.1).expect("it trains");
    let report = learn.fit(2, 0.1).unwrap_or_else(|error| panic!("{case}: it does not train on: {error}"));
    let losses = |report: &Report| {
        let rows = report.epochs.iter();
        rows.map(|row| (row.train_loss.to_bits(), row.valid_loss.map(f64::to_bits))).collect::<Vec<_>>()
    };
    assert_eq!(losses(&report), losses(&expected), "{case}: other losses");
    assert_eq!(bits(learn), bits(&twin), "{case}: other parameters");
}

#[test]
fn every_way_out_with_mixup_restores_everything() {
    every_way_out(
        |learn, _| {
            learn.mixup();
        },
        &[],
    );
}

#[test]
fn every_way_out_with_a_users_loss_replacing_callback_restores_everything() {
    every_way_out(
        |learn, log| {
            learn.callback(Halved::new(log));
        },
        &["halved"],
    );
}

#[test]
fn every_way_out_with_mixup_before_a_users_callback_restores_everything() {
    every_way_out(
        |learn, log| {
            learn.mixup().callback(Halved::new(log));
        },
        &["halved"],
    );
}

#[test]
fn every_way_out_with_a_users_callback_before_mixup_restores_everything() {
    every_way_out(
        |learn, log| {
            learn.callback(Halved::new(log)).mixup();
        },
        &["halved"],
    );
}

#[test]
fn the_loss_function_is_restored_even_if_a_callback_never_restores_it() {
    every_way_out(
        |learn, _| {
            learn.callback(Careless).mixup();
        },
        &[],
    );
}

/// Records the begin and the end of each run that trains nothing, and puts another loss function into each validation.
struct Looks(Log);

#[callback]
impl Looks {
    fn on_validate_begin(&self, loss_func: &mut LossFunc) {
        self.0.add("begins");
        *loss_func = halved(loss_func);
    }

    fn on_predict_begin(&self) {
        self.0.add("begins");
    }

    #[on(validate_end, always)]
    #[on(predict_end, always)]
    fn ends(&self) {
        self.0.add("ends");
    }
}

#[test]
fn validation_and_predictions_end_as_training_does() {
    type Look = fn(&mut Learner) -> Result<(), Error>;

    let _alone = alone();
    let validation = [Hook::ValidateBegin, Hook::BatchBegin, Hook::BatchEnd, Hook::ValidateEnd];
    let predictions = [Hook::PredictBegin, Hook::PredictBatchBegin, Hook::PredictBatchEnd, Hook::PredictEnd];
    let looks: [(Look, _); 2] =
        [(|learn| learn.validate().map(drop), validation), (|learn| learn.predictions().map(drop), predictions)];
    for (look, hooks) in looks {
        for place in hooks.map(Place::Hook).into_iter().chain([Place::Model, Place::Loss, Place::Data]) {
            for trouble in [Trouble::Error, Trouble::Panic, Trouble::CtrlC] {
                let (fuse, log) = (Fuse::default(), Log::default());
                let arrange: Arrange = |learn, log| {
                    learn.callback(Halved::new(log)).mixup();
                };
                let mut learn = learner(&fuse, &log, arrange, Sabotage::BehindThem);
                let (original, looks) = (learn.loss_func().clone(), Log::default());
                learn.callback(Looks(looks.clone()));
                // The callback that fails runs before the one that records.
                let begins = !matches!(place, Place::Hook(Hook::ValidateBegin | Hook::PredictBegin))
                    || matches!(trouble, Trouble::CtrlC);
                fuse.set(place, trouble.clone(), 0);
                let case = format!("{trouble:?} in {place:?}");
                let ended = catch_unwind(AssertUnwindSafe(|| look(&mut learn)));
                assert_eq!(ended.is_err(), matches!(trouble, Trouble::Panic), "{case}");
                assert!(!matches!(ended, Ok(Ok(()))), "{case}: it was not reached");
                assert_eq!(looks.take(), if begins { vec!["begins", "ends"] } else { Vec::new() }, "{case}");
                assert!(log.take().is_empty(), "{case}: nothing was trained");
                assert!(learn.loss_func().is_same(&original), "{case}");
                look(&mut learn).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(looks.take(), ["begins", "ends"], "{case}");
                assert!(learn.loss_func().is_same(&original), "{case}");
                learn.remove::<Looks>().expect("it is there");
                trains_on_as_if_nothing_had_been(&mut learn, arrange, Sabotage::BehindThem, &case);
            }
        }
    }
}
