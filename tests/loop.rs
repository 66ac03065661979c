//! The loop: which hooks run, in which order, for which callbacks, and with which counts.

mod support;

use mixup::{
    callback::{BatchEnd, Callback, EpochBegin, Handler, Hook, HookResult, Requests, TrainBegin},
    optim::SettingError,
    prelude::*,
    training::BuildError,
};
use support::{Log, bits, data, on};
use tch::Tensor;

/// Records every hook, with the values that it gets there.
struct Tape(Log);

#[callback]
impl Tape {
    fn on_train_begin(&mut self, epochs: usize) {
        self.0.add(format!("train_begin epochs {epochs}"));
    }

    fn on_epoch_begin(&mut self, epoch: usize, iteration: usize, train: bool) {
        self.0.add(format!("epoch_begin {epoch}, iteration {iteration}, train {train}"));
    }

    fn on_batch_begin(
        &mut self,
        num_batch: usize,
        batches: usize,
        iteration: usize,
        train: bool,
        last_target: &Target,
    ) {
        let items = last_target.items();
        self.0.add(format!("batch_begin {num_batch}/{batches} of {items}, iteration {iteration}, train {train}"));
    }

    fn on_loss_begin(&mut self, train: bool, last_output: &Tensor) {
        self.0.add(format!("loss_begin {:?}, train {train}", last_output.size()));
    }

    fn on_backward_begin(&mut self, train: bool, last_loss: &Tensor) {
        self.0.add(format!("backward_begin {:?}, train {train}", last_loss.size()));
    }

    fn on_backward_end(&mut self, gradients: &Gradients) {
        let names: Vec<_> = gradients.iter().map(|(name, _)| name.to_owned()).collect();
        self.0.add(format!("backward_end {}", names.join(" ")));
    }

    fn on_step_end(&mut self, iteration: usize) {
        self.0.add(format!("step_end, iteration {iteration}"));
    }

    fn on_batch_end(&mut self, num_batch: usize, iteration: usize, train: bool) {
        self.0.add(format!("batch_end {num_batch}, iteration {iteration}, train {train}"));
    }

    fn on_validate_begin(&mut self, iteration: usize, train: bool) {
        self.0.add(format!("validate_begin, iteration {iteration}, train {train}"));
    }

    fn on_validate_end(&mut self, train: bool, valid_loss: Option<f64>) {
        self.0.add(format!("validate_end, train {train}, loss {}", valid_loss.is_some()));
    }

    fn on_epoch_end(&mut self, epoch: usize, iteration: usize, train: bool, valid_loss: Option<f64>) {
        let valid_loss = valid_loss.is_some();
        self.0.add(format!("epoch_end {epoch}, iteration {iteration}, train {train}, loss {valid_loss}"));
    }

    fn on_train_end(&mut self, outcome: &Outcome) {
        self.0.add(format!("train_end {outcome}"));
    }

    fn on_predict_begin(&mut self) {
        self.0.add("predict_begin");
    }

    fn on_predict_batch_begin(&mut self, num_batch: usize, batches: usize, last_input: &Input) {
        self.0.add(format!("predict_batch_begin {num_batch}/{batches} of {}", last_input.items()));
    }

    fn on_predict_batch_end(&mut self, num_batch: usize, last_output: &Tensor) {
        self.0.add(format!("predict_batch_end {num_batch} {:?}", last_output.size()));
    }

    fn on_predict_end(&mut self) {
        self.0.add("predict_end");
    }
}

fn taped(data: Data) -> (Learner, Log) {
    let log = Log::default();
    (on(data).callback(Tape(log.clone())).build().expect("nothing is wrong with it"), log)
}

#[test]
fn an_epoch_trains_on_all_batches_then_validates_on_all_with_each_hook_in_its_place() {
    let (mut learn, log) = taped(data(6, 3));
    learn.fit(1, 0.1).expect("it trains");
    let expected = "
        train_begin epochs 1
        epoch_begin 0, iteration 0, train true
        batch_begin 0/2 of 4, iteration 0, train true
        loss_begin [4, 2], train true
        backward_begin [], train true
        backward_end weight bias
        step_end, iteration 0
        batch_end 0, iteration 0, train true
        batch_begin 1/2 of 2, iteration 1, train true
        loss_begin [2, 2], train true
        backward_begin [], train true
        backward_end weight bias
        step_end, iteration 1
        batch_end 1, iteration 1, train true
        validate_begin, iteration 2, train false
        batch_begin 0/1 of 3, iteration 2, train false
        loss_begin [3, 2], train false
        batch_end 0, iteration 2, train false
        validate_end, train false, loss true
        epoch_end 0, iteration 2, train true, loss true
        train_end finished";
    let expected: Vec<_> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(log.take(), expected);
}

#[test]
fn iterations_are_counted_over_all_epochs_and_begin_anew_in_each_training() {
    let (mut learn, log) = taped(data(8, 0));
    let begins = |log: &Log| {
        let lines = log.take().into_iter();
        lines.filter(|line| line.starts_with("epoch_begin") || line.starts_with("batch_begin")).collect::<Vec<_>>()
    };
    let expected = [
        "epoch_begin 0, iteration 0, train true",
        "batch_begin 0/2 of 4, iteration 0, train true",
        "batch_begin 1/2 of 4, iteration 1, train true",
        "epoch_begin 1, iteration 2, train true",
        "batch_begin 0/2 of 4, iteration 2, train true",
        "batch_begin 1/2 of 4, iteration 3, train true",
    ];
    for _ in 0..2 {
        learn.fit(2, 0.1).expect("it trains");
        assert_eq!(begins(&log), expected);
    }
}

#[test]
fn validation_alone_runs_no_training_no_epoch_and_nothing_of_the_backward_pass() {
    let (mut learn, log) = taped(data(6, 3));
    let expected = [
        "validate_begin, iteration 0, train false",
        "batch_begin 0/1 of 3, iteration 0, train false",
        "loss_begin [3, 2], train false",
        "batch_end 0, iteration 0, train false",
        "validate_end, train false, loss true",
    ];
    learn.validate().expect("there is validation data");
    assert_eq!(log.take(), expected);
}

#[test]
fn predictions_run_their_own_hooks_and_no_others() {
    let (mut learn, log) = taped(data(6, 5));
    learn.predictions().expect("there is validation data");
    let expected = [
        "predict_begin",
        "predict_batch_begin 0/2 of 4",
        "predict_batch_end 0 [4, 2]",
        "predict_batch_begin 1/2 of 1",
        "predict_batch_end 1 [1, 2]",
        "predict_end",
    ];
    assert_eq!(log.take(), expected);
    learn.predict(support::series(6, 0.3).reshape([2, 3])).expect("two items");
    let expected = ["predict_begin", "predict_batch_begin 0/1 of 2", "predict_batch_end 0 [2, 2]", "predict_end"];
    assert_eq!(log.take(), expected);
}

#[test]
fn drop_last_leaves_out_the_small_last_batch() {
    let build = |drop_last| Data::builder(support::items(6)).batch_size(4).drop_last(drop_last).build();
    for (drop_last, batches) in [(false, 2), (true, 1)] {
        let (mut learn, log) = taped(build(drop_last).expect("there are items"));
        learn.fit(1, 0.1).expect("it trains");
        let begins = log.take().iter().filter(|line| line.starts_with("batch_begin")).count();
        assert_eq!(begins, batches, "drop_last {drop_last}");
    }
}

#[test]
fn a_training_of_no_epochs_only_begins_and_ends() {
    let (mut learn, log) = taped(data(8, 4));
    learn.fit(1, 0.1).expect("it trains");
    let (before, _) = (bits(&learn), log.take());
    let report = learn.fit(0, 0.1).expect("there is nothing to go wrong");
    assert_eq!(log.take(), ["train_begin epochs 0", "train_end finished"]);
    assert_eq!((report.epochs.len(), report.outcome), (0, Outcome::Finished));
    assert_eq!(bits(&learn), before);
}

/// Logs its name in every other hook, which is enough to see the order.
struct Named<const ORDER: i32>(&'static str, Log);

macro_rules! named {
    ($($order:literal)*) => {$(
        #[callback(order = $order)]
        impl Named<$order> {
            fn on_train_begin(&mut self) {
                self.1.add(format!("{} train_begin", self.0));
            }

            fn on_backward_begin(&mut self) {
                self.1.add(format!("{} backward_begin", self.0));
            }

            fn on_backward_end(&mut self) {
                self.1.add(format!("{} backward_end", self.0));
            }

            fn on_epoch_end(&mut self) {
                self.1.add(format!("{} epoch_end", self.0));
            }

            fn on_train_end(&mut self) {
                self.1.add(format!("{} train_end", self.0));
            }
        }
    )*};
}

named!(-5 0 10);

#[test]
fn callbacks_run_by_order_then_as_added_and_in_end_hooks_in_reverse() {
    let log = Log::default();
    let builder = on(data(4, 0)).callback(Named::<10>("late", log.clone())).callback(Named::<0>("one", log.clone()));
    let builder = builder.callback(Named::<-5>("early", log.clone())).callback(Named::<0>("two", log.clone()));
    let mut learn = builder.build().expect("nothing is wrong with it");
    learn.callback(Named::<-5>("early too", log.clone()));
    learn.fit(1, 0.1).expect("it trains");
    let forward = ["early", "early too", "one", "two", "late"];
    let mut expected = Vec::new();
    for hook in ["train_begin", "backward_begin"] {
        expected.extend(forward.iter().map(|name| format!("{name} {hook}")));
    }
    for hook in ["backward_end", "epoch_end", "train_end"] {
        expected.extend(forward.iter().rev().map(|name| format!("{name} {hook}")));
    }
    assert_eq!(log.take(), expected);
}

#[test]
fn a_removed_callback_is_not_called_and_the_others_keep_their_order() {
    let log = Log::default();
    let builder = on(data(4, 0)).callback(Named::<-5>("a", log.clone())).callback(Named::<0>("b", log.clone()));
    let mut learn = builder.callback(Named::<10>("c", log.clone())).build().expect("nothing is wrong with it");
    let taken = learn.remove::<Named<0>>().expect("it was there");
    assert_eq!(taken.0, "b");
    assert!(learn.remove::<Named<0>>().is_none() && learn.get::<Named<0>>().is_none());
    learn.get_mut::<Named<10>>().expect("it is there").0 = "changed";
    learn.fit(1, 0.1).expect("it trains");
    let lines = log.take();
    assert_eq!(lines[..2], ["a train_begin", "changed train_begin"]);
    assert_eq!(lines[lines.len() - 2..], ["changed train_end", "a train_end"]);
}

/// A hand-written callback that declares two hooks and may have one more.
struct Quiet {
    log: Log,
    has_another: bool,
}

impl Callback for Quiet {
    const NAME: &'static str = "quiet";

    fn handlers(&self) -> Vec<Handler> {
        vec![Handler::new(Hook::EpochBegin), Handler::new(Hook::BatchEnd).names(&["smooth_loss"])]
    }

    fn on_train_begin(&mut self, _: &mut TrainBegin<'_>) -> HookResult {
        Ok(if self.has_another { Requests::none() } else { Requests::unserved() })
    }

    fn on_epoch_begin(&mut self, event: &mut EpochBegin<'_>) -> HookResult {
        self.log.add(format!("epoch {}", event.epoch));
        Ok(Requests::none())
    }

    fn on_batch_end(&mut self, event: &mut BatchEnd<'_>) -> HookResult {
        let before = event.smooth_loss;
        event.read_smooth_loss()?;
        self.log.add(format!("loss {} {}", before.is_nan(), event.smooth_loss.is_finite()));
        Ok(Requests::none())
    }
}

#[test]
fn a_callback_written_by_hand_runs_in_the_hooks_that_it_declares() {
    let log = Log::default();
    let quiet = Quiet { log: log.clone(), has_another: false };
    let mut learn = on(data(4, 0)).callback(quiet).build().expect("nothing is wrong with it");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(log.take(), ["epoch 0", "loss true true"]);
}

#[test]
fn a_hook_that_is_implemented_but_not_declared_is_an_error_in_debug_builds() {
    let log = Log::default();
    let quiet = Quiet { log: log.clone(), has_another: true };
    let mut learn = on(data(4, 0)).callback(quiet).build().expect("nothing is wrong with it");
    let trained = learn.fit(1, 0.1);
    if cfg!(debug_assertions) {
        let Err(Error::Build(error)) = trained else { panic!("{trained:?}") };
        assert_eq!(error, BuildError::Undeclared { by: "quiet".to_owned(), hook: Hook::TrainBegin });
        assert!(log.take().is_empty());
    }
}

#[test]
fn a_learning_rate_out_of_range_is_rejected_before_anything_begins() {
    let (mut learn, log) = taped(data(4, 0));
    for lr in [f64::NAN, f64::INFINITY, -0.1] {
        let error = learn.fit(1, lr).expect_err("no training can have it");
        assert!(matches!(error, Error::Build(BuildError::LearningRate { .. })), "{error:?}");
        assert_eq!(error.to_string(), format!("the learning rate is {lr}: it must be a finite number of at least 0"));
    }
    assert!(log.take().is_empty());
    learn.fit(1, 0.0).expect("0 trains nothing, but may be");
}

#[test]
fn two_metrics_of_one_name_are_rejected() {
    let built = on(data(4, 0)).metric(accuracy).metric_named("accuracy", error_rate).build();
    let error = built.err().expect("two of one name");
    assert!(matches!(&error, Error::Build(BuildError::MetricName { name }) if name == "accuracy"), "{error:?}");
    assert!(error.to_string().contains("two metrics named `accuracy`"), "{error}");
}

#[test]
fn a_cuda_device_that_does_not_exist_is_rejected() {
    let found = tch::Cuda::device_count();
    let index = usize::try_from(found).expect("not negative") + 3;
    let error = on(data(4, 0)).device(tch::Device::Cuda(index)).build().err().expect("it is not there");
    assert!(matches!(error, Error::Build(BuildError::Device { found: told, .. }) if told == found), "{error:?}");
    assert!(error.to_string().contains(&format!("Cuda({index})")), "{error}");
}

#[test]
fn a_setting_of_the_optimizer_out_of_range_is_rejected() {
    let error = on(data(4, 0)).optimizer(Sgd::default().momentum(1.5)).build().err().expect("no momentum");
    assert!(matches!(error, Error::Build(BuildError::Setting(SettingError { name: "momentum", .. }))), "{error:?}");
    let mut learn = on(data(4, 0)).build().expect("nothing is wrong with it");
    learn.opt_mut().hypers_mut().set_weight_decay(f64::NAN);
    let error = learn.fit(1, 0.1).expect_err("no weight decay");
    assert!(matches!(error, Error::Build(BuildError::Setting(SettingError { name: "weight_decay", .. }))), "{error:?}");
}

#[test]
fn a_learner_can_be_sent_to_another_thread() {
    let (mut learn, log) = taped(data(4, 0));
    let trained = std::thread::spawn(move || learn.fit(1, 0.1).map(|report| report.outcome));
    assert_eq!(trained.join().expect("no panic").expect("it trains"), Outcome::Finished);
    assert!(!log.take().is_empty());
}
