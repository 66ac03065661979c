//! Bundles: a fresh process predicts what the learner predicts, and what can't be right is refused in a sentence.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use std::{fs, path::PathBuf, process::Command, sync::OnceLock};

use mixup::{
    batch::Target,
    callback::Hook,
    files::{Damage, FileError},
    learner::{BundleError, ItemForm, Predictor},
    model::{Vars, WeightsError},
    prelude::*,
    state::{State, StateError, Stateful},
};
use support::{Linear, data, linear, on};
use tch::{Kind, Tensor, nn};

fn model(vs: &Vars<'_>) -> Linear {
    linear(vs, 3, 2)
}

fn with_classes() -> Data {
    let data = Data::builder(support::items(8)).valid(support::items(4)).batch_size(4);
    data.classes(["even", "odd"]).build().expect("there are items")
}

fn trained() -> Learner {
    let mut learn = Learner::builder(with_classes(), model).quiet().build().expect("it fits");
    learn.fit(2, 0.1).expect("it trains");
    learn
}

/// A path in a folder of its own, which stays until the tests end.
fn path(name: &str) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path().join(name)
}

fn inputs() -> Tensor {
    support::series(15, 0.3).reshape([5, 3])
}

#[test]
fn a_predictor_predicts_what_the_learner_predicts() {
    let (mut learn, path) = (trained(), path("same"));
    learn.save_bundle(&path).expect("there is room");
    let predictor = Predictor::load(&path, model).expect("it fits");
    let (found, wanted) = (predictor.predict(inputs()).expect("it fits"), learn.predict(inputs()).expect("it fits"));
    assert_eq!(found.outputs, wanted.outputs);
    assert_eq!(found.best().expect("there are names"), wanted.best().expect("there are names"));
    assert!(!found.outputs.requires_grad() && found.targets.is_none() && found.losses.is_none());
    assert_eq!(predictor.classes(), ["even", "odd"]);
    let form = ItemForm { kind: "Float".to_owned(), shape: vec![3] };
    assert_eq!(predictor.inputs(), Some(&[form][..]));
}

/// The second process is this test, with the path of the bundle in its environment.
#[test]
fn a_fresh_process_predicts_without_data() {
    const PATH: &str = "MIXUP_TEST_BUNDLE";
    if let Some(path) = std::env::var_os(PATH) {
        let predictor = Predictor::load(path, model).expect("it fits");
        for prediction in predictor.predict(inputs()).expect("it fits").best().expect("there are names") {
            println!("found {prediction} {:x}", prediction.probability.to_bits());
        }
        return;
    }
    let (mut learn, path) = (trained(), path("fresh"));
    learn.save_bundle(&path).expect("there is room");
    let mut test = Command::new(std::env::current_exe().expect("this test"));
    let test = test.args(["--exact", "a_fresh_process_predicts_without_data", "--nocapture"]).env(PATH, &path);
    let output = String::from_utf8(test.output().expect("it runs").stdout).expect("it is text");
    let best = learn.predict(inputs()).expect("it fits").best().expect("there are names");
    assert_eq!(best.len(), 5);
    for prediction in best {
        let line = format!("found {prediction} {:x}", prediction.probability.to_bits());
        assert!(output.contains(&line), "{line}\n{output}");
    }
}

#[test]
fn every_activation_of_the_library_is_in_the_bundle() {
    fn same(loss: impl Loss, name: &str) {
        let (path, data) = (path(name), data(8, 4));
        let mut learn = Learner::builder(data, model).loss(loss).quiet().build().expect("it fits");
        learn.save_bundle(&path).expect("there is room");
        let found = Predictor::load(&path, model).expect("it fits").predict(inputs()).expect("it is known");
        assert_eq!(found.outputs, learn.predict(inputs()).expect("it fits").outputs, "{name}");
    }
    same(CrossEntropy::default(), "cross-entropy");
    same(Nll::default(), "nll");
    same(BceWithLogits::default(), "bce");
    same(Mse, "mse");
    same(|output: &Tensor, _: &Target, _: Reduction| output.mean(Kind::Float), "closure");
    same(per_item(|output: &Tensor, _: &Target| output.mean_dim(1_i64, false, Kind::Float)), "per-item");
    same(of_batch(|output: &Tensor, _: &Target| output.mean(Kind::Float)), "of-batch");
}

#[derive(Clone, Copy)]
struct Own;

impl Loss for Own {
    fn loss(&self, output: &Tensor, _: &Target, _: Reduction) -> Result<Tensor, BoxError> {
        Ok(output.f_mean(output.kind())?)
    }

    fn activation(&self, output: &Tensor) -> Result<Tensor, BoxError> {
        Ok(output.f_tanh()?)
    }
}

#[test]
fn an_activation_that_only_code_knows_is_asked_for() {
    let path = path("own");
    let mut learn = Learner::builder(data(8, 4), model).loss(Own).quiet().build().expect("it fits");
    learn.save_bundle(&path).expect("there is room");
    let predictor = Predictor::load(&path, model).expect("it fits");
    let error = predictor.predict(inputs()).expect_err("it is not known");
    let text = "the bundle was saved with the loss function `Own`, and only its code knows the activation: give it to the predictor with `.loss(…)`";
    assert_eq!(error.to_string(), text);
    let found = predictor.loss(Own).predict(inputs()).expect("it is known now").outputs;
    assert_eq!(found, learn.predict(inputs()).expect("it fits").outputs);
}

#[test]
fn a_model_of_another_shape_is_an_error_that_names_the_tensors() {
    let (mut learn, path) = (trained(), path("shape"));
    learn.save_bundle(&path).expect("there is room");
    let error = Predictor::load(&path, |vs| linear(vs, 3, 5)).expect_err("it has five outputs");
    assert!(matches!(&error, BundleError::Weights(WeightsError::Mismatch { different, .. }) if different.len() == 2));
    assert!(error.to_string().contains("`bias` is Float [5] in the model and Float [2] in the file"), "{error}");
}

#[test]
fn an_input_of_another_form_is_refused_and_other_sizes_are_left_to_the_model() {
    let (mut learn, path) = (trained(), path("input"));
    learn.save_bundle(&path).expect("there is room");
    let predictor = Predictor::load(&path, model).expect("it fits");
    for (input, got) in [(inputs().select(0, 0), "[3] Float"), (inputs().to_kind(Kind::Double), "[5, 3] Double")] {
        let error = predictor.predict(&input).expect_err("it is of another form").to_string();
        assert_eq!(
            error,
            format!("the model was trained on [n, 3] Float, and the input is {got}; `n` is the number of items")
        );
    }
    let error = predictor.predict(inputs().narrow(1, 0, 2)).expect_err("the model refuses it");
    assert!(error.to_string().starts_with("the model with [5, 2] Float: "), "{error}");
}

#[test]
fn a_bundle_is_also_a_file_of_weights_and_a_file_of_weights_is_no_bundle() {
    let (mut learn, bundle, weights) = (trained(), path("bundle"), path("weights"));
    learn.save_bundle(&bundle).expect("there is room");
    learn.save(&weights).expect("there is room");
    let mut other = Learner::builder(with_classes(), model).quiet().build().expect("it fits");
    other.load(&bundle).expect("it has the weights");
    assert_eq!(support::bits(&other), support::bits(&learn));
    let error = Predictor::load(&weights, model).expect_err("it has no description");
    assert!(matches!(error, BundleError::NoBundle { .. }), "{error}");
}

#[test]
fn a_model_in_half_precision_is_predicted_in_half_precision() {
    let path = path("half");
    let layer = |vs: &Vars<'_>| nn::linear(vs / "fc", 3, 2, nn::LinearConfig::default());
    let mut learn = Learner::builder(data(8, 4), layer).quiet().build().expect("it fits");
    learn.params_mut().var_store_mut().bfloat16();
    learn.save_bundle(&path).expect("there is room");
    let predictor = Predictor::load(&path, layer).expect("it fits");
    for (name, tensor) in predictor.params().iter() {
        let wanted = &learn.params().var_store().variables()[name];
        assert_eq!((tensor.kind(), tensor.detach()), (Kind::BFloat16, wanted.detach()));
    }
}

/// A model that remembers a scale beside its parameters.
struct Scaled {
    inner: Linear,
    scale: f64,
}

impl Model for Scaled {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, train: bool) -> Result<Tensor, BoxError> {
        Ok(self.inner.forward_batch(input, train)?.f_mul_scalar(self.scale)?)
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

impl Stateful for Scaled {
    fn save(&self) -> Result<State, StateError> {
        State::new().with("scale", &self.scale)
    }

    fn load(&mut self, state: &State) -> Result<(), StateError> {
        self.scale = state.field("scale")?;
        Ok(())
    }
}

#[test]
fn what_a_model_remembers_is_in_the_bundle() {
    let path = path("scaled");
    let scaled = |scale| move |vs: &Vars<'_>| Scaled { inner: model(vs), scale };
    let mut learn = Learner::builder(data(8, 4), scaled(3.0)).quiet().build().expect("it fits");
    learn.save_bundle(&path).expect("there is room");
    let found = Predictor::load(&path, scaled(1.0)).expect("it fits").predict(inputs()).expect("it fits");
    assert_eq!(found.outputs, learn.predict(inputs()).expect("it fits").outputs);
    learn.load(&path).expect("the weights are there");
    let error = Predictor::load(&path, model).expect_err("that model remembers nothing");
    assert!(matches!(error, BundleError::ModelState { saved: true, .. }), "{error}");
}

/// Predicts with other weights than it trains, as an average over time does.
#[derive(Default)]
struct Other(Vec<Tensor>);

#[callback]
impl Other {
    fn on_predict_begin(&mut self, params: &Params) {
        self.0 = params.iter().map(|(_, tensor)| tensor.detach().copy()).collect();
        tch::no_grad(|| params.iter().for_each(|(_, tensor)| drop(tensor.shallow_clone().fill_(0.25))));
    }

    #[on(predict_end, always)]
    fn give_back(&mut self, params: &Params) {
        tch::no_grad(|| {
            for ((_, tensor), own) in params.iter().zip(self.0.drain(..)) {
                tensor.shallow_clone().copy_(&own);
            }
        });
    }
}

#[test]
fn the_weights_in_a_bundle_are_those_of_predictions() {
    let path = path("averaged");
    let mut learn = on(data(8, 4)).callback(Other::default()).build().expect("it fits");
    let before = support::bits(&learn);
    learn.save_bundle(&path).expect("there is room");
    assert_eq!(support::bits(&learn), before);
    let predictor = Predictor::load(&path, model).expect("it fits");
    let found = predictor.predict(inputs()).expect("it fits").outputs;
    assert_eq!(found, learn.predict(inputs()).expect("it fits").outputs);
    assert!(predictor.params().iter().all(|(_, tensor)| tensor.eq(0.25).all().int64_value(&[]) == 1));
}

struct Shift;

#[callback]
impl Shift {
    fn on_predict_batch_begin(&self, last_input: &mut Input) -> Result<(), BoxError> {
        let _ = last_input.make_mut()?.f_add_scalar_(1.0)?;
        Ok(())
    }
}

#[test]
fn a_callback_that_a_bundle_cannot_have_is_refused() {
    let path = path("callback");
    let mut learn = on(data(8, 4)).callback(Shift).build().expect("it fits");
    let error = learn.save_bundle(&path).expect_err("a bundle has no callbacks");
    let is = |hook: &Hook| hook.name() == "on_predict_batch_begin";
    assert!(
        matches!(&error, BundleError::Callback { callback, hook, .. } if callback == "Shift" && is(hook)),
        "{error}"
    );
    assert!(!path.exists());
}

#[test]
fn a_damaged_bundle_is_never_loaded() {
    let (mut learn, path) = (trained(), path("damaged"));
    learn.save_bundle(&path).expect("there is room");
    let file = fs::read(&path).expect("it is there");
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(&path, &changed).expect("there is room");
        assert!(
            matches!(Predictor::load(&path, model), Err(BundleError::File(FileError::Damaged { .. }))),
            "byte {at}"
        );
        fs::write(&path, &file[..at]).expect("there is room");
        let cut = Predictor::load(&path, model);
        let truncated = |error: &BundleError| {
            matches!(error, BundleError::File(FileError::Damaged { damage: Damage::Truncated { .. }, .. }))
        };
        assert!(cut.as_ref().is_err_and(truncated), "cut after {at}");
    }
}
