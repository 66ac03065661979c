//! Values that callbacks publish and read by name, and requests that depend on the instance.

use std::sync::{Arc, Mutex};

use mixup::{callback::Hook, prelude::*, training::BuildError};
use tch::{Kind, Tensor, nn};

use crate::support::{GradNorm, Log, data, on, series};

/// Another name of the type, which the macro does not know.
type Number = Value;

/// Stops when the monitored value has not improved for a while.
struct EarlyStopping {
    monitor: String,
    patience: usize,
    best: Option<f64>,
    waited: usize,
    log: Log,
}

impl EarlyStopping {
    fn on(monitor: &str, patience: usize, log: &Log) -> Self {
        Self { monitor: monitor.to_owned(), patience, best: None, waited: 0, log: log.clone() }
    }
}

#[callback]
impl EarlyStopping {
    fn on_epoch_end(
        &mut self,
        #[name = self.monitor] monitored: &Number,
        epoch: usize,
    ) -> Result<Option<StopTraining>, ReadError> {
        let Some(number) = monitored.read()? else { return Ok(None) };
        let less = monitored.less_is_better().unwrap_or(true);
        let better = self.best.is_none_or(|best| if less { number < best } else { number > best });
        self.log.add(format!("{epoch}: {} {}", monitored.name(), number.is_finite()));
        (self.best, self.waited) = if better { (Some(number), 0) } else { (self.best, self.waited + 1) };
        Ok((self.waited > self.patience).then(|| StopTraining::because(format!("{} rests", self.monitor))))
    }
}

fn build(builder: mixup::learner::LearnerBuilder<impl Model>) -> Result<Learner, BuildError> {
    builder.build().map_err(|error| match error {
        Error::Build(error) => error,
        other => panic!("{other}"),
    })
}

#[test]
fn early_stopping_monitors_what_a_users_callback_publishes() {
    let log = Log::default();
    // The reader is added first: the order comes from reading.
    let builder = on(data(8, 4)).callback(EarlyStopping::on("grad_norm", 0, &log)).callback(GradNorm);
    let report = build(builder).expect("nothing is wrong with it").fit(40, 0.0).expect("it trains");
    // With a learning rate of 0 nothing improves.
    assert!(report.epochs.len() == 2 && report.epochs.iter().all(|row| row.values[0].is_finite()), "{report:?}");
    assert_eq!(report.outcome.to_string(), "stopped by `EarlyStopping` in `on_epoch_end`: grad_norm rests");
    assert_eq!(log.take(), ["0: grad_norm true", "1: grad_norm true"]);
}

#[test]
fn an_instance_finds_metrics_and_the_trainings_own_numbers_and_whether_less_is_better() {
    struct Directions(Log, &'static str);

    #[callback]
    impl Directions {
        fn on_epoch_end(&self, #[name = self.1] value: &Value, valid_loss: Option<f64>) -> Result<(), ReadError> {
            let same = self.1 == "valid_loss" && value.read()? == valid_loss;
            self.0.add(format!("{} {:?} {same}", value.name(), value.less_is_better()));
            Ok(())
        }
    }

    let log = Log::default();
    let names = ["valid_loss", "train_loss", "smooth_loss", "accuracy", "error_rate", "mine"];
    for name in names {
        let builder =
            on(data(8, 4)).metric(accuracy).metric(error_rate).metric_named("mine", |_: &Tensor, _: &Target| 1.0);
        build(builder.callback(Directions(log.clone(), name))).expect("it exists").fit(1, 0.1).expect("it trains");
    }
    let expected = [
        "valid_loss Some(true) true",
        "train_loss Some(true) false",
        "smooth_loss Some(true) false",
        "accuracy Some(false) false",
        "error_rate Some(true) false",
        "mine None false",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_value_set_for_each_batch_has_its_last_number_and_its_mean_over_the_epoch() {
    struct Counts;

    #[callback]
    impl Counts {
        #[on(batch_end, train)]
        fn count(iteration: usize, count: &mut Value) {
            count.set(iteration as f64);
        }

        fn on_epoch_end(twice: &mut Value, epoch: usize) {
            twice.set(Tensor::from(2.0 * epoch as f64));
        }
    }

    struct Reads(Log);

    #[callback(order = -100)]
    impl Reads {
        fn on_epoch_end(&self, count: &Value, twice: &Value, never: Option<&Value>) -> Result<(), ReadError> {
            let numbers = [count.read()?, count.mean()?, twice.read()?];
            self.0.add(format!("{numbers:?} {}", never.is_none()));
            Ok(())
        }
    }

    let log = Log::default();
    let builder = on(data(12, 4)).metric(accuracy).callback(Reads(log.clone())).callback(Counts);
    let report = build(builder).expect("nothing is wrong with it").fit(2, 0.1).expect("it trains");
    let expected = ["[Some(2.0), Some(1.0), Some(0.0)] true", "[Some(5.0), Some(4.0), Some(2.0)] true"];
    assert_eq!(log.take(), expected);
    assert_eq!(report.value_names, ["count", "twice"]);
    assert_eq!(report.epochs.iter().map(|row| row.values.clone()).collect::<Vec<_>>(), [[1.0, 0.0], [4.0, 2.0]]);
    assert_eq!((report.value("count"), report.value("twice"), report.value("other")), (Some(4.0), Some(2.0), None));
    let table = report.to_string();
    assert!(table.starts_with("epoch     train_loss  valid_loss  accuracy  count     twice     time"), "{table}");
}

#[test]
fn a_callback_publishes_a_value_for_each_name_that_its_instance_chooses() {
    struct Sizes(Vec<&'static str>);

    impl Sizes {
        fn layers(&self) -> impl Iterator<Item = &'static str> {
            self.0.iter().copied()
        }
    }

    #[callback]
    impl Sizes {
        #[on(loss_begin, if = train)]
        fn measure(
            &self,
            params: &Params,
            #[names = self.layers()] stats: &mut Values,
        ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            for (name, tensor) in params.iter() {
                stats.set(name, tensor.f_abs()?.f_mean(Kind::Float)?.detach())?;
            }
            assert_eq!(
                stats.set("elsewhere", 1.0).unwrap_err().to_string(),
                "there is no value `elsewhere` here: there are `weight` and `bias`"
            );
            Ok(())
        }
    }

    let builder = on(data(8, 0)).callback(Sizes(vec!["weight", "bias"]));
    let report = build(builder).expect("nothing is wrong with it").fit(1, 0.0).expect("it trains");
    assert_eq!(report.value_names, ["weight", "bias"]);
    assert!(report.epochs[0].values.iter().all(|number| *number > 0.0), "{report:?}");
}

/// The last output of a layer. The model has one clone of it, the callback another.
#[derive(Clone)]
struct Tap(&'static str, Arc<Mutex<Option<Tensor>>>);

impl Tap {
    fn on(layer: &'static str) -> Self {
        Self(layer, Arc::default())
    }

    fn see(&self, output: &Tensor) -> Tensor {
        *self.1.lock().expect("no panic") = Some(output.detach());
        output.shallow_clone()
    }
}

struct ActivationStats(Vec<Tap>);

#[callback]
impl ActivationStats {
    #[on(loss_begin, train)]
    fn measure(
        &self,
        #[names = self.0.iter().map(|tap| tap.0)] means: &mut Values,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for Tap(layer, last) in &self.0 {
            let last = last.lock().expect("no panic").take().ok_or("the layer has not run")?;
            means.set(layer, last.f_mean(Kind::Float)?)?;
        }
        Ok(())
    }
}

#[test]
fn activation_stats_publish_a_value_for_each_layer() {
    let (hidden, output) = (Tap::on("hidden"), Tap::on("output"));
    let taps = vec![hidden.clone(), output.clone()];
    let mut learn = Learner::builder(data(8, 4), move |vars| {
        nn::seq()
            .add(nn::linear(vars / "hidden", 3, 5, nn::LinearConfig::default()))
            .add_fn(move |it| hidden.see(it).relu())
            .add(nn::linear(vars / "output", 5, 2, nn::LinearConfig::default()))
            .add_fn(move |it| output.see(it))
    })
    .callback(ActivationStats(taps))
    .quiet()
    .build()
    .expect("nothing is wrong with it");
    let report = learn.fit(1, 0.0).expect("it trains");

    // With a learning rate of 0, the means of the two batches of four are those of all eight items.
    let param = |wanted: &str| {
        let (_, tensor) = learn.params().iter().find(|(name, _)| *name == wanted).expect("a parameter");
        tensor.detach()
    };
    let layer =
        |x: &Tensor, name: &str| x.matmul(&param(&format!("{name}.weight")).tr()) + param(&format!("{name}.bias"));
    let of_hidden = layer(&series(24, 0.37).reshape([8, 3]), "hidden");
    let of_output = layer(&of_hidden.relu(), "output");
    for (name, activations) in [("hidden", of_hidden), ("output", of_output)] {
        let published = report.value(name).expect("it is published");
        let expected = f64::try_from(activations.mean(Kind::Double)).expect("one number");
        assert!((published - expected).abs() < 1e-6, "{name}: {published}, not {expected}");
    }
    assert_eq!(report.value_names, ["hidden", "output"]);
}

#[test]
fn all_values_can_be_looked_at_together() {
    struct Logger(Log);

    #[callback(order = -1)]
    impl Logger {
        fn on_epoch_end(&self, values: &Values) -> Result<(), ReadError> {
            for value in values.iter() {
                self.0.add(format!("{} {}", value.name(), value.read()?.is_some()));
            }
            Ok(())
        }
    }

    let log = Log::default();
    let builder = on(data(8, 4)).metric(accuracy).callback(Logger(log.clone())).callback(GradNorm);
    build(builder).expect("nothing is wrong with it").fit(1, 0.1).expect("it trains");
    let expected = ["train_loss true", "smooth_loss true", "valid_loss true", "accuracy true", "grad_norm true"];
    assert_eq!(log.take(), expected);
}

struct Publishes(&'static str);

#[callback]
impl Publishes {
    fn on_epoch_end(#[name = self.0] value: &mut Value) {
        value.set(1.0);
    }
}

struct Wants(&'static str);

#[callback]
impl Wants {
    fn on_batch_end(#[name = self.0] _value: &Value) {}
}

#[test]
fn a_value_that_cannot_be_published_or_read_is_an_error_when_the_learner_is_built() {
    let with = |callbacks: Vec<Publishes>| {
        let builder = on(data(4, 0)).metric(accuracy);
        callbacks
            .into_iter()
            .enumerate()
            .fold(builder, |builder, (index, callback)| builder.callback_named(format!("number {index}"), callback))
    };
    let message = |builder| build(builder).map(|_| ()).expect_err("it can't be").to_string();
    assert_eq!(
        message(on(data(4, 0)).metric(accuracy).callback(Wants("grad_norm"))),
        "the callback `Wants` reads `grad_norm` in `on_batch_end`, and nobody publishes it: the values are `train_loss`, \
         `smooth_loss`, `valid_loss` and `accuracy`; add it with `.metric(…)`, or publish it in a callback with `grad_norm: &mut Value`"
    );
    assert_eq!(
        message(with(vec![Publishes("x"), Publishes("x")])),
        "`number 0` and `number 1` both publish `x`: publish one of them under another name"
    );
    let taken = message(with(vec![Publishes("accuracy")]));
    assert_eq!(taken, "`number 0` publishes `accuracy`, which is a metric already: publish it under another name");
    let taken = message(with(vec![Publishes("last_loss")]));
    assert_eq!(
        taken,
        "`number 0` publishes `last_loss`, which is a name that hooks have already: publish it under another name"
    );

    struct Late;

    #[callback]
    impl Late {
        fn on_train_end(late: &mut Value) {
            late.set(1.0);
        }
    }

    let late = message(on(data(4, 0)).callback(Late));
    assert!(late.starts_with("`Late` publishes `late` in `on_train_end`, where nobody can read it any more"), "{late}");
}

#[test]
fn callbacks_that_wait_for_each_others_values_are_a_cycle() {
    struct First;

    #[callback]
    impl First {
        fn on_epoch_end(one: &mut Value, _two: &Value) {
            one.set(1.0);
        }
    }

    struct Second;

    #[callback]
    impl Second {
        fn on_epoch_end(two: &mut Value, _one: &Value) {
            two.set(1.0);
        }
    }

    let error = build(on(data(4, 0)).callback(First).callback(Second)).map(|_| ()).expect_err("a cycle");
    let BuildError::OrderCycle { cycle, hook: Some(Hook::EpochEnd) } = &error else { panic!("{error}") };
    assert_eq!(cycle.len(), 2);
    assert!(error.to_string().starts_with("the callbacks of `on_epoch_end` form a cycle: `"), "{error}");
}

#[test]
fn a_value_set_to_several_numbers_ends_the_training_with_an_error_that_names_the_place() {
    struct Wrong;

    #[callback]
    impl Wrong {
        #[on(batch_end, train)]
        fn set(wrong: &mut Value) {
            wrong.set(Tensor::from_slice(&[1.0, 2.0]));
        }
    }

    let mut learn = build(on(data(8, 0)).callback(Wrong)).expect("nothing is known before the run");
    let error = learn.fit(1, 0.1).expect_err("two numbers are not one").to_string();
    let expected = "callback `Wrong`, hook `on_batch_end`, epoch 0, training batch 0: `wrong` was set to something that is not one number";
    assert!(error.starts_with(expected) && error.contains("[2]"), "{error}");
}

#[test]
fn the_listing_says_who_publishes_and_reads_a_value_and_which_values_nobody_reads() {
    let log = Log::default();
    let stopping = EarlyStopping::on("grad_norm", 0, &log);
    let learn =
        build(on(data(8, 4)).callback(stopping).callback(GradNorm).callback(Publishes("x"))).expect("it is right");
    let text = learn.training_loop().to_string();
    assert!(text.contains("on_backward_end: GradNorm(gradients, +grad_norm)"), "{text}");
    assert!(text.contains("EarlyStopping(epoch, grad_norm?)"), "{text}");
    assert!(text.contains("grad_norm: published by GradNorm, read by EarlyStopping"), "{text}");
    assert!(text.contains("x: published by Publishes, read by nobody"), "{text}");
}

#[test]
fn the_model_and_the_optimizer_can_be_asked_for_as_their_own_types() {
    #[derive(Default)]
    struct Own(usize);

    #[callback]
    impl Own {
        fn on_train_begin(&mut self, model: &nn::Linear, opt: &mut Sgd) {
            self.0 = model.ws.numel();
            opt.hypers_mut().set_momentum(0.5);
        }
    }

    let linear = |vars: &mixup::model::Vars<'_>| nn::linear(vars.path(), 3, 2, nn::LinearConfig::default());
    let builder = Learner::builder(data(8, 0), linear).optimizer(Sgd::default()).quiet().callback(Own::default());
    let mut learn = build(builder).expect("both are of these types");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(learn.get::<Own>().map(|own| own.0), Some(6));
    assert_eq!(learn.model_as::<nn::Linear>().map(|model| model.ws.size()), Some(vec![2, 3]));
    assert!((learn.opt().hypers().last().momentum - 0.5).abs() < 1e-12);

    let error = build(on(data(8, 0)).callback(Own::default())).map(|_| ()).expect_err("another model");
    let expected =
        "the callback `Own` asks for the model as `nn::Linear` in `on_train_begin`, and this learner's is `Linear`";
    assert_eq!(error.to_string(), expected, "its own `Linear` is another type");
    let linear = |vars: &mixup::model::Vars<'_>| nn::linear(vars.path(), 3, 2, nn::LinearConfig::default());
    let error = build(Learner::builder(data(8, 0), linear).quiet().callback(Own::default())).map(|_| ());
    let expected =
        "the callback `Own` asks for the optimizer as `Sgd` in `on_train_begin`, and this learner's is `AdamW`";
    assert_eq!(error.expect_err("another optimizer").to_string(), expected);
}

#[test]
fn a_callback_asks_for_an_instance_by_its_name() {
    #[derive(Default)]
    struct Counter(usize);

    #[callback]
    impl Counter {
        #[on(batch_end, train)]
        fn count(&mut self) {
            self.0 += 1;
        }
    }

    struct Adds(&'static str);

    #[callback]
    impl Adds {
        #[on(batch_end, train)]
        fn add(&self, #[name = self.0] counter: &mut Counter) {
            counter.0 += 100;
        }
    }

    let two = || on(data(8, 0)).callback_named("first", Counter(0)).callback_named("second", Counter(0));
    let mut learn = build(two().callback(Adds("second"))).expect("there is one of this name");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(learn.get_named::<Counter>("first").map(|counter| counter.0), Some(2));
    assert_eq!(learn.get_named::<Counter>("second").map(|counter| counter.0), Some(202));
    let error = build(two().callback(Adds("third"))).map(|_| ()).expect_err("there is none of this name").to_string();
    assert!(error.starts_with("the callback `Adds` asks for `Counter` named `third` in `on_batch_end`"), "{error}");
    let error = build(two().callback_named("first", GradNorm)).map(|_| ()).expect_err("two of one name");
    assert_eq!(error, BuildError::CallbackName { name: "first".to_owned() });
}

/// Publishes the number of the batch, but not in the first epoch.
struct Late;

#[callback]
impl Late {
    #[on(batch_end, train)]
    fn publish(epoch: usize, iteration: usize, number: &mut Value) -> Option<StopTraining> {
        if epoch > 0 {
            number.set(iteration as f64);
        }
        (iteration == 6).then(|| StopTraining::because("it is in the middle of an epoch"))
    }
}

#[test]
fn an_epoch_in_which_nothing_is_published_has_no_number_in_its_row() {
    let mut learn = on(data(8, 0)).callback(Late).build().expect("it is right");
    let report = learn.fit(3, 0.1).expect("it trains");
    assert!(report.epochs[0].values[0].is_nan(), "{report}");
    assert_eq!(report.epochs[1].values, [2.5]);
}

#[test]
fn a_recorder_has_every_number_that_is_published_also_of_an_epoch_that_is_stopped() {
    let mut learn = on(data(8, 0)).callback(Late).callback(Recorder::default()).build().expect("it is right");
    for _ in 0..2 {
        learn.fit(4, 0.1).expect("it trains");
        let recorder = learn.get::<Recorder>().expect("it was added");
        assert_eq!(recorder.published("number").expect("it is read"), Some(vec![2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(recorder.published("grad_norm").expect("there is nothing to read"), None);
        assert_eq!(recorder.lrs().len(), 7);
    }
}
