//! Predicting and validating on anything: inputs, parts of the data, loaders; which hooks run, and what they may change.
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod numbers;
mod support;

use mixup::{
    callback::{BatchBegin, Hook},
    data::Loader,
    error::BoxError,
    learner::PredictionError,
    prelude::*,
};
use numbers::f64s;
use support::{Log, bits, data, items, linear, on, series};
use tch::{Device, Kind, Tensor};

fn inputs(items: i64) -> Tensor {
    series(items * 3, 0.37).reshape([items, 3])
}

/// The outputs of the learner's model for the first items, computed from its parameters.
fn raw(learn: &Learner, items: i64) -> Tensor {
    let params: Vec<_> = learn.params().iter().map(|(_, tensor)| tensor.detach()).collect();
    inputs(items).matmul(&params[0]) + &params[1]
}

fn assert_close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.size(), expected.size());
    let difference = (found - expected).abs().max().double_value(&[]);
    assert!(difference < 1e-6, "{difference}");
}

/// Eight training items, six validation items and five test items, in shuffled training batches of four.
fn with_test() -> Data {
    let data = Data::builder(items(8)).valid(items(6)).test(items(5)).batch_size(4).drop_last(true);
    data.classes(["even", "odd"]).build().expect("there are items")
}

fn learner() -> Learner {
    on(with_test()).metric(accuracy).build().expect("nothing is wrong with it")
}

#[test]
fn a_tensor_or_an_input_is_predicted_with_the_activation() {
    let mut learn = learner();
    let expected = raw(&learn, 3).softmax(1, Kind::Float);
    let tensor = inputs(3);
    let found = learn.predict(&tensor).expect("three items");
    assert_close(&found.outputs, &expected);
    assert!(found.targets.is_none() && found.losses.is_none() && !found.outputs.requires_grad());
    assert_close(&learn.predict(inputs(3)).expect("three items").outputs, &expected);
    let input = Input::from(inputs(3));
    assert_close(&learn.predict(&input).expect("three items").outputs, &expected);
    assert_close(&learn.predict_as::<Tensor>(input).expect("three items").outputs, &expected);
}

#[test]
fn a_prediction_leaves_the_given_input_as_it_is() {
    struct Zero;

    #[callback]
    impl Zero {
        #[on(batch_begin, predict_batch_begin)]
        fn zero(last_input: &mut Input) -> Result<(), BoxError> {
            let _ = last_input.make_mut()?.f_zero_()?;
            Ok(())
        }
    }

    let mut learn = learner();
    let bias = learn.params().iter().last().expect("the bias").1.detach();
    learn.callback(Zero);
    let given = inputs(3);
    let found = learn.predict(&given).expect("three items");
    assert_close(&found.outputs, &bias.softmax(0, Kind::Float).unsqueeze(0).expand([3, 2], false));
    assert_eq!(given, inputs(3));
}

#[test]
fn each_part_of_the_data_is_predicted_in_its_order_with_targets_and_losses() {
    let mut learn = learner();
    for (part, items) in [(Part::Train, 8), (Part::Valid, 6), (Part::Test, 5)] {
        let found = learn.predictions_on(part).expect("it is there");
        assert_close(&found.outputs, &raw(&learn, items).softmax(1, Kind::Float));
        let classes = Tensor::arange(items, (Kind::Int64, Device::Cpu)).remainder(2);
        assert_eq!(*found.targets.expect("there are targets").tensor(), classes);
        let own = raw(&learn, items).log_softmax(1, Kind::Float).gather(1, &classes.unsqueeze(1), false).squeeze_dim(1);
        assert_close(&found.losses.expect("there are targets"), &own.neg());
    }
}

#[test]
fn all_training_items_are_predicted_whatever_the_sampler_and_drop_last_leave_out() {
    let data = Data::builder(items(11)).batch_size(4).drop_last(true).batches_per_epoch(1).build();
    let mut learn = on(data.expect("there are items")).build().expect("nothing is wrong with it");
    let found = learn.predictions_on(Part::Train).expect("it is there");
    assert_close(&found.outputs, &raw(&learn, 11).softmax(1, Kind::Float));
    assert!(learn.validate_on(Part::Train).expect("it is there").loss.is_finite());
}

#[test]
fn a_loader_of_ones_own_is_validated_and_predicted_in_its_order() {
    let mut learn = learner();
    let loader = Loader::new(items(7), 3).expect("there are items");
    let found = learn.predictions_on(&loader).expect("there are items");
    assert_close(&found.outputs, &raw(&learn, 7).softmax(1, Kind::Float));
    let losses = found.losses.expect("there are targets");
    let validation = learn.validate_on(&loader).expect("there are items");
    assert!((validation.loss - losses.mean(Kind::Double).double_value(&[])).abs() < 1e-6);
    let found = learn.predictions_on_as::<Tensor>(&loader).expect("there are items");
    assert_eq!(found.outputs.size(), [7, 2]);
}

#[test]
fn a_validation_on_the_test_data_equals_one_of_a_learner_that_has_it_as_validation_data() {
    let mut learn = learner();
    let mut other = on(data(8, 5)).metric(accuracy).build().expect("nothing is wrong with it");
    assert_eq!(
        learn.validate_on(Part::Test).expect("there is test data"),
        other.validate().expect("there is validation data")
    );
}

#[test]
fn no_training_looks_at_the_test_data() {
    struct Counts(Log);

    #[callback]
    impl Counts {
        fn on_batch_begin(&self, last_target: &Target) {
            self.0.add(last_target.items().to_string());
        }
    }

    let log = Log::default();
    let mut learn = on(with_test()).callback(Counts(log.clone())).build().expect("nothing is wrong with it");
    learn.fit(1, 0.1).expect("it trains");
    assert_eq!(log.take(), ["4", "4", "4", "2"]);
    assert_eq!(learn.data().test().and_then(Loader::items), Some(5));
    assert_eq!(learn.data().to_string(), "8 training and 6 validation items of 3, 5 for tests in 2 classes");
}

#[test]
fn data_without_a_test_part_and_a_stream_without_a_length_are_errors_that_say_so() {
    let mut learn = on(data(8, 4)).build().expect("nothing is wrong with it");
    let error = learn.validate_on(Part::Test).expect_err("there is none").to_string();
    assert_eq!(error, "there is no test data to validate on; give the data a test part, as `test(…)` does");
    let error = learn.predictions_on(Part::Test).expect_err("there is none");
    assert!(matches!(error, Error::NoTest { what: "predict" }), "{error}");
}

#[test]
fn data_without_targets_is_predicted_and_neither_validated_nor_trained() {
    let unlabelled = || TensorDataset::unlabelled(inputs(5)).expect("inputs");
    let data = Data::builder(items(8)).test(unlabelled()).batch_size(4).build().expect("there are items");
    let mut learn = on(data).build().expect("nothing is wrong with it");
    let found = learn.predictions_on(Part::Test).expect("there is test data");
    assert_close(&found.outputs, &raw(&learn, 5).softmax(1, Kind::Float));
    assert!(found.targets.is_none() && found.losses.is_none());
    let error = learn.validate_on(Part::Test).expect_err("there are no targets");
    assert!(matches!(error, Error::NoTargets), "{error}");
    let loader = Loader::new(unlabelled(), 2).expect("there are items");
    assert_eq!(learn.predictions_on(&loader).expect("there are items").outputs.size(), [5, 2]);
    for (part, data) in [
        ("training", Data::builder(unlabelled()).build()),
        ("validation", Data::builder(items(8)).valid(unlabelled()).build()),
    ] {
        assert!(matches!(data, Err(DataError::NoTargets { part: named }) if named == part), "{part}");
    }
}

#[test]
fn predictions_of_an_item_name_its_classes_the_most_probable_first() {
    let mut learn = learner();
    let probabilities = f64s(&raw(&learn, 6).softmax(1, Kind::Float));
    let found = learn.predictions().expect("there is validation data");
    let (best, top) = (found.best().expect("two classes"), found.top(5).expect("two classes"));
    for (item, of_item) in probabilities.chunks(2).enumerate() {
        let (first, second) = if of_item[0] >= of_item[1] { (0, 1) } else { (1, 0) };
        let named = |index: usize| Prediction {
            class: ["even", "odd"][index].to_owned(),
            index,
            probability: f64::from(of_item[index] as f32),
        };
        let near = |found: &Prediction, expected: &Prediction| {
            assert_eq!((&found.class, found.index), (&expected.class, expected.index));
            assert!((found.probability - expected.probability).abs() < 1e-6, "{found}, {expected}");
        };
        near(&best[item], &named(first));
        assert_eq!(top[item].len(), 2, "there are two classes");
        near(&top[item][0], &named(first));
        near(&top[item][1], &named(second));
    }
    let cat = Prediction { class: "cat".to_owned(), index: 0, probability: 0.25 };
    assert_eq!(cat.to_string(), "cat (0.250)");
}

#[test]
fn labels_above_a_threshold_are_those_that_are_probable_enough() {
    let labels = series(16, 0.2).abs().reshape([8, 2]);
    let set = TensorDataset::new(inputs(8), labels).expect("as many");
    let data = Data::builder(set).classes(["red", "round"]).build().expect("there are items");
    let builder = Learner::builder(data, |vars| linear(vars, 3, 2)).loss(BceWithLogits::default()).quiet();
    let mut learn = builder.build().expect("nothing is wrong with it");
    let probabilities = f64s(&raw(&learn, 8).sigmoid());
    let found = learn.predict(inputs(8)).expect("eight items").above(0.5).expect("two labels");
    let mut counts = [0; 3];
    for (of_item, found) in probabilities.chunks(2).zip(found) {
        let expected: Vec<_> = (0..2).filter(|&index| of_item[index] >= 0.5).collect();
        let mut indices: Vec<_> = found.iter().map(|prediction| prediction.index).collect();
        assert!(found.is_sorted_by(|one, next| one.probability >= next.probability));
        indices.sort_unstable();
        assert_eq!(indices, expected);
        counts[indices.len()] += 1;
    }
    assert!(counts.iter().filter(|count| **count > 0).count() > 1, "{counts:?}");
}

#[test]
fn classes_without_names_and_outputs_that_are_no_classes_are_errors_with_both_numbers() {
    let mut learn = on(data(8, 4)).build().expect("nothing is wrong with it");
    let error = learn.predict(inputs(2)).expect("two items").best().expect_err("there are no names");
    assert!(matches!(error, PredictionError::NoClasses), "{error}");

    let data = Data::builder(items(8)).classes(["a", "b", "c"]).build().expect("there are items");
    let mut learn = on(data).build().expect("nothing is wrong with it");
    let found = learn.predict(inputs(2)).expect("two items");
    let error = found.top(1).expect_err("two outputs, three classes").to_string();
    let expected = "the outputs have the shape [2, 2], and the data has 3 classes: one number for each class is needed, `[items, 3]`";
    assert_eq!(error, expected);
    let flat = found.map(|outputs| outputs.flatten(0, -1));
    assert!(matches!(flat.best(), Err(PredictionError::Shape { shape, classes: 3 }) if shape == [4]));
}

#[test]
fn a_part_of_the_outputs_is_predicted_as_classes() {
    struct Twice(support::Linear);

    impl Model for Twice {
        type Output = (Tensor, Tensor);

        fn forward_batch(&self, input: &Input, train: bool) -> Result<Self::Output, BoxError> {
            let output = self.0.forward_batch(input, train)?;
            Ok((output.f_neg()?, output))
        }
    }

    let loss = |(_, logits): &(Tensor, Tensor), target: &Target, reduction: Reduction| {
        CrossEntropy::default().loss(logits, target, reduction)
    };
    let builder = Learner::builder(with_test(), |vars| Twice(linear(vars, 3, 2))).loss(loss).quiet();
    let mut learn = builder.build().expect("nothing is wrong with it");
    let error = learn.predict(inputs(2)).expect_err("the outputs are two tensors").to_string();
    assert_eq!(
        error,
        "the model's output is a `(Tensor, Tensor)`, not a `Tensor`: ask for `predict_as::<(Tensor, Tensor)>(…)`"
    );
    let found = learn.predict_as::<(Tensor, Tensor)>(inputs(4)).expect("four items").map(|(_, logits)| logits);
    assert_close(&found.outputs, &raw(&learn, 4));
    let best: Vec<_> = found.best().expect("two classes").iter().map(|prediction| prediction.index as i64).collect();
    assert_eq!(best, Vec::<i64>::try_from(raw(&learn, 4).argmax(1, false)).expect("indices"));
}

/// Doubles each input, in validation and in predictions.
struct Double;

#[callback]
impl Double {
    #[on(batch_begin, predict_batch_begin)]
    fn double(last_input: &mut Input) -> Result<(), BoxError> {
        let _ = last_input.make_mut()?.f_mul_scalar_(2.0)?;
        Ok(())
    }

    #[on(loss_begin, predict_batch_end)]
    fn negate(last_output: &mut Tensor) -> Result<(), BoxError> {
        *last_output = last_output.f_neg()?;
        Ok(())
    }
}

#[test]
fn what_callbacks_change_in_inputs_and_outputs_is_predicted_before_the_activation() {
    let mut learn = on(data(8, 6)).callback(Double).build().expect("nothing is wrong with it");
    let params: Vec<_> = learn.params().iter().map(|(_, tensor)| tensor.detach()).collect();
    let expected = ((inputs(6) * 2.0).matmul(&params[0]) + &params[1]).neg();
    let found = learn.predictions().expect("there is validation data");
    assert_close(&found.outputs, &expected.softmax(1, Kind::Float));
    let mean = found.losses.expect("there are targets").mean(Kind::Double).double_value(&[]);
    assert!((learn.validate().expect("there is validation data").loss - mean).abs() < 1e-6);
}

/// Checks the error of predictions, that nothing has run before it, and that a validation is no error.
#[track_caller]
fn refused(mut learn: Learner, expected: &str) {
    let before = learn.position();
    for error in [learn.predictions().map(drop), learn.predict(inputs(2)).map(drop)] {
        assert_eq!(error.expect_err("it would be left out").to_string(), expected);
    }
    assert_eq!(learn.position(), before);
    learn.validate().expect("there is validation data");
}

#[test]
fn a_callback_that_changes_validation_batches_and_has_no_hook_for_predictions_is_refused_there() {
    struct Scale;

    #[callback]
    impl Scale {
        fn on_batch_begin(last_input: &mut Input) -> Result<(), BoxError> {
            let _ = last_input.make_mut()?.f_mul_scalar_(2.0)?;
            Ok(())
        }

        fn on_predict_begin() {
            panic!("predictions must not begin");
        }
    }

    struct Clamp;

    #[callback]
    impl Clamp {
        #[on(loss_begin, valid)]
        fn clamp(last_output: &mut Tensor) {
            *last_output = last_output.clamp(-1.0, 1.0);
        }
    }

    struct Whole;

    #[callback]
    impl Whole {
        fn on_batch_begin(event: &mut BatchBegin<'_>) {
            let _ = event;
        }
    }

    let learner = || on(data(8, 4));
    refused(
        learner().callback(Scale).build().expect("nothing is wrong with it"),
        "`Scale` may change `last_input` in `on_batch_begin`, also in validation, but `Scale` has no `on_predict_batch_begin`, so \
         predictions would be made without it: add `on_predict_batch_begin`, as with `#[on(batch_begin, predict_batch_begin)]` on the \
         method, or restrict the method to training with `#[on(batch_begin, train)]`",
    );
    refused(
        learner().callback_named("clip", Clamp).build().expect("nothing is wrong with it"),
        "`clip::clamp` may change `last_output` in `on_loss_begin`, also in validation, but `clip` has no `on_predict_batch_end`, so \
         predictions would be made without it: add `on_predict_batch_end`, as with `#[on(loss_begin, predict_batch_end)]` on the method, \
         or restrict the method to training with `#[on(loss_begin, train)]`",
    );
    let mut learn = learner().callback(Whole).build().expect("nothing is wrong with it");
    let error = learn.predictions().expect_err("the whole event may be changed");
    let (hook, counterpart) = (Hook::BatchBegin, Hook::PredictBatchBegin);
    assert!(
        matches!(&error, Error::Unpredicted { hook: at, counterpart: needed, .. } if (*at, *needed) == (hook, counterpart)),
        "{error}"
    );
}

#[test]
fn callbacks_that_change_training_batches_only_do_no_harm_to_predictions() {
    struct Noise;

    #[callback]
    impl Noise {
        #[on(batch_begin, train, every = 2, if = iteration > 0)]
        fn add(last_input: &mut Input) -> Result<(), BoxError> {
            let _ = last_input.make_mut()?.f_add_scalar_(1.0)?;
            Ok(())
        }
    }

    let mixing: [fn(&mut Learner) -> &mut Learner; 4] = [
        |learn| learn.mixup(),
        |learn| learn.callback(MixUp::default().stack_x(true)),
        |learn| learn.callback(MixUpOrCutMix::default()),
        |learn| learn.callback(Noise),
    ];
    for add in mixing {
        let mut learn = learner();
        add(&mut learn);
        assert_close(&learn.predict(inputs(4)).expect("four items").outputs, &raw(&learn, 4).softmax(1, Kind::Float));
    }
}

/// Halves the weights while others look at them, and gives them back.
#[derive(Default)]
struct Halves {
    own: Vec<Tensor>,
}

#[callback]
impl Halves {
    #[on(validate_begin, predict_begin)]
    fn halve(&mut self, params: &Params) {
        self.own = params.iter().map(|(_, param)| param.detach().copy()).collect();
        tch::no_grad(|| params.iter().for_each(|(_, param)| drop(param.shallow_clone().g_mul_scalar_(0.5))));
    }

    #[on(validate_end, always)]
    #[on(predict_end, always)]
    fn give_back(&mut self, params: &Params) {
        tch::no_grad(|| {
            for ((_, param), own) in params.iter().zip(self.own.drain(..)) {
                param.shallow_clone().copy_(&own);
            }
        });
    }
}

#[test]
fn weights_that_are_replaced_in_predictions_are_given_back_on_every_way_out() {
    struct Fails(Option<Hook>);

    impl Fails {
        fn fail(&self, here: Hook) -> Result<(), String> {
            if self.0 == Some(here) { Err("no".to_owned()) } else { Ok(()) }
        }
    }

    #[callback]
    impl Fails {
        fn on_predict_begin(&self) -> Result<(), String> {
            self.fail(Hook::PredictBegin)
        }

        fn on_predict_batch_begin(&self) -> Result<(), String> {
            self.fail(Hook::PredictBatchBegin)
        }

        fn on_predict_batch_end(&self) -> Result<(), String> {
            self.fail(Hook::PredictBatchEnd)
        }

        fn on_predict_end(&self) {
            assert!(self.0 != Some(Hook::PredictEnd), "as planned");
        }
    }

    let plain = learner();
    let ways = [Hook::PredictBegin, Hook::PredictBatchBegin, Hook::PredictBatchEnd, Hook::PredictEnd].map(Some);
    for way in ways.into_iter().chain([None]) {
        let mut learn = learner();
        learn.callback(Halves::default()).callback(Fails(way));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| learn.predict(inputs(4))));
        assert_eq!(bits(&learn), bits(&plain), "{way:?}");
        if let Ok(Ok(found)) = ended {
            assert_eq!(way, None);
            assert_close(&found.outputs, &(raw(&learn, 4) * 0.5).softmax(1, Kind::Float));
        } else {
            assert!(way.is_some(), "{way:?}");
        }
    }
}

#[test]
fn filters_count_the_batches_of_predictions() {
    struct Counts(Log);

    #[callback]
    impl Counts {
        #[on(predict_batch_begin, first, every = 3)]
        fn begins(&self, num_batch: usize) {
            self.0.add(format!("begin {num_batch}"));
        }

        #[on(predict_batch_end, every = 3, last)]
        fn ends(&self, num_batch: usize) {
            self.0.add(format!("end {num_batch}"));
        }

        #[on(predict_batch_end, always, if = num_batch == 1)]
        fn after(&self, num_batch: usize) {
            self.0.add(format!("after {num_batch}"));
        }
    }

    let log = Log::default();
    let mut learn = on(data(4, 20)).callback(Counts(log.clone())).build().expect("nothing is wrong with it");
    learn.predictions().expect("there is validation data");
    assert_eq!(log.take(), ["begin 0", "after 1", "end 2", "begin 3", "end 4"]);
}

#[test]
fn predictions_and_validations_leave_the_following_training_as_it_is() {
    let build = || on(with_test()).mixup().seed(3).build().expect("nothing is wrong with it");
    let (mut asked, mut not) = (build(), build());
    let loader = Loader::new(items(7), 3).expect("there are items").shuffle(true);
    for _ in 0..2 {
        asked.predict(inputs(3)).expect("three items");
        asked.predictions_on(Part::Train).expect("it is there");
        asked.predictions_on(&loader).expect("it is there");
        asked.validate_on(Part::Test).expect("it is there");
        asked.validate_on(&loader).expect("it is there");
        asked.fit(1, 0.1).expect("it trains");
        not.fit(1, 0.1).expect("it trains");
        assert_eq!(bits(&asked), bits(&not));
        assert_eq!(asked.report().epochs.len(), 1);
    }
}

#[test]
fn the_errors_of_a_model_and_of_data_name_the_batch_of_the_prediction() {
    let mut learn = learner();
    let error = learn.predict(series(4, 0.1).reshape([2, 2])).expect_err("two features are too few").to_string();
    assert!(error.starts_with("the model, prediction batch 0, with [2, 2] Float: "), "{error}");
}
