//! Tests of when a training waits for the device: only if a callback asks for a number.

use mixup_macros::callback;
use tch::{Kind, Tensor, nn};

use super::Learner;
use crate::{
    batch::{Batch, reads},
    callback::{BatchEnd, Callback},
    callbacks::{CsvLogger, JsonLines, Recorder},
    data::Data,
    metrics::accuracy,
    model::{Gradients, Vars},
    training::{Error, ReadError},
};

struct Asks;

#[callback(crate = crate)]
impl Asks {
    fn on_epoch_begin() {}
}

struct AsksSmooth;

#[callback(crate = crate)]
impl AsksSmooth {
    fn on_batch_end(_smooth_loss: f64) {}
}

struct AsksSmoothSometimes;

#[callback(crate = crate)]
impl AsksSmoothSometimes {
    fn on_epoch_end(_train_loss: f64) {}
}

struct AsksSmoothAtSomeBatches;

#[callback(crate = crate)]
impl AsksSmoothAtSomeBatches {
    #[on(batch_end, train, every = 2)]
    fn log(smooth_loss: f64) {
        assert!(smooth_loss.is_finite());
    }
}

struct AsksAllAtSomeBatches;

#[callback(crate = crate)]
impl AsksAllAtSomeBatches {
    #[on(batch_end, train, every = 2)]
    fn log(event: &mut BatchEnd<'_>) {
        assert!(event.smooth_loss.is_finite());
    }
}

struct AsksSmoothInAFilter;

#[callback(crate = crate)]
impl AsksSmoothInAFilter {
    #[on(batch_end, train, last, if = smooth_loss.is_nan())]
    fn never() {
        panic!("a loss was not finite");
    }
}

struct AsksMetrics;

#[callback(crate = crate)]
impl AsksMetrics {
    fn on_epoch_end(last_metrics: &[f64]) {
        assert!(last_metrics[0].is_finite());
    }
}

struct AsksGradients;

#[callback(crate = crate)]
impl AsksGradients {
    fn on_backward_end(_gradients: &Gradients) {}
}

const EPOCHS: usize = 3;
const TRAIN: usize = 4;

fn learner(callback: impl Callback) -> Learner {
    let batch = |index: usize| Batch {
        input: Tensor::from_slice(&[index as f32, 1.0, 2.0, -1.0]).reshape([2, 2]).into(),
        target: Tensor::from_slice(&[0_i64, 1]).into(),
    };
    let data = Data::from_batches((0..TRAIN).map(batch).collect(), (0..2).map(batch).collect()).expect("batches");
    let model = |vars: &Vars<'_>| {
        let first = |size: &[i64]| Tensor::ones(size, (Kind::Float, tch::Device::Cpu)) * 0.3;
        let linear = nn::linear(vars.path(), 2, 2, nn::LinearConfig::default());
        tch::no_grad(|| linear.ws.shallow_clone().copy_(&first(&[2, 2])));
        linear
    };
    let builder = Learner::builder(data, model).metric(accuracy).callback(callback).quiet();
    builder.build().expect("nothing is wrong with it")
}

/// How often a training reads from the device, and the numbers that it reports.
fn training(callback: impl Callback) -> (usize, Vec<[f64; 3]>) {
    let mut learn = learner(callback);
    let mut report = None;
    let reads = reads(|| report = Some(learn.fit(EPOCHS, 1e-2).expect("it trains")));
    let rows = report.expect("it trained").epochs.into_iter();
    let rows = rows.map(|row| [row.train_loss, row.valid_loss.expect("validated"), row.metrics[0]]);
    (reads, rows.collect())
}

#[test]
fn a_training_waits_for_the_device_only_if_somebody_asks() {
    // At the end, the validation loss and the metric of each epoch are read, and all training losses at once.
    let (at_the_end, rows) = training(Asks);
    assert_eq!(at_the_end, 1 + 2 * EPOCHS);
    assert_eq!(rows.len(), EPOCHS);
    assert!(rows.iter().flatten().all(|number| number.is_finite()), "{rows:?}");
    assert_eq!(training(Recorder::default()).0, at_the_end);
    assert_eq!(training(AsksGradients).0, at_the_end);
    // If a callback asks for the metrics, they are read at the end of each epoch instead: as many, but earlier.
    assert_eq!(training(AsksMetrics).0, at_the_end);
    // The smoothed loss is waited for in each training batch, and not in validation batches, which do not change it.
    assert_eq!(training(AsksSmooth).0, EPOCHS * TRAIN + 2 * EPOCHS);
    assert_eq!(training(AsksSmoothSometimes).0, EPOCHS + 2 * EPOCHS);
}

#[test]
fn loggers_wait_once_in_an_epoch_unless_they_are_asked_for_batches() {
    let folder = tempfile::tempdir().expect("a folder");
    let (rows, _) = training(CsvLogger::to(folder.path().join("history.csv")));
    assert_eq!(rows, EPOCHS + 2 * EPOCHS, "the training losses, the validation loss and the metric");
    assert_eq!(training(JsonLines::to(folder.path().join("log.jsonl"))).0, rows);
}

#[test]
fn predictions_read_no_number_and_a_validation_only_its_result() {
    let mut learn = learner(Asks);
    let predicted = reads(|| {
        let found = learn.predictions().expect("there is validation data");
        assert_eq!(found.outputs.size(), [4, 2]);
        learn.predict(&found.outputs).expect("two features");
    });
    assert_eq!(predicted, 0);
    assert_eq!(reads(|| drop(learn.validate().expect("there is validation data"))), 2, "the loss and the metric");
}

#[test]
fn filters_are_checked_before_waiting_for_the_device() {
    assert_eq!(training(AsksSmoothAtSomeBatches).0, EPOCHS * TRAIN / 2 + 2 * EPOCHS);
    assert_eq!(training(AsksAllAtSomeBatches).0, EPOCHS * TRAIN / 2 + 2 * EPOCHS);
    // What an `if` asks for is read only if the filters before it hold: once in an epoch.
    assert_eq!(training(AsksSmoothInAFilter).0, EPOCHS + 2 * EPOCHS);
}

struct CannotRead;

#[callback(crate = crate)]
impl CannotRead {
    fn on_epoch_end() -> Result<(), ReadError> {
        Err(ReadError { name: "train_loss".to_owned(), source: tch::TchError::Torch("the device is gone".to_owned()) })
    }
}

#[test]
fn an_error_in_reading_a_loss_names_the_loss_and_the_callback_that_asks() {
    let error = learner(CannotRead).fit(1, 1e-2).expect_err("it can't be read");
    assert!(matches!(error, Error::Read { .. }), "{error:?}");
    let error = error.to_string();
    assert!(
        error.starts_with("callback `CannotRead`, hook `on_epoch_end`, epoch 0: `train_loss` can't be read: "),
        "{error}"
    );
    assert!(error.ends_with("the device is gone"), "{error}");
}

#[test]
fn numbers_are_the_same_whether_read_early_or_late() {
    let (_, late) = training(Asks);
    for early in [training(AsksSmooth).1, training(AsksMetrics).1, training(AsksSmoothSometimes).1] {
        assert_eq!(late, early);
    }
}
