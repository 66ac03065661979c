//! Errors say where they happened: callback, hook, epoch, batch, shapes. The learner is usable after each of them.

mod support;

use std::{
    error::Error as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
};

use mixup::{
    batch::InputError,
    callback::Hook,
    data::Dataset,
    learner::LearnerBuilder,
    loss::LossError,
    metrics::MetricError,
    model::SimpleCnn,
    optim::{Hypers, SettingError},
    prelude::*,
    training::Position,
};
use support::{
    data,
    fuse::{Fuse, Fused, Place, Saboteur, Trouble, metric},
    items, linear, on, panic_text, process, series,
};
use tch::{Kind, TchError, Tensor};

/// Changes one batch, once: the third training batch of the second epoch, or its first validation batch.
struct Spoil<F>(Option<F>, bool);

#[callback]
impl<F: FnOnce(&mut Input, &mut Target)> Spoil<F> {
    fn on_batch_begin(
        &mut self,
        last_input: &mut Input,
        last_target: &mut Target,
        epoch: usize,
        num_batch: usize,
        train: bool,
    ) {
        if train == self.1 && epoch == 1 && num_batch == if train { 2 } else { 0 } {
            self.0.take().into_iter().for_each(|spoil| spoil(last_input, last_target));
        }
    }
}

/// The error of a training in which one batch is spoilt. After it, the same learner completes a training.
fn spoilt<F>(builder: LearnerBuilder<impl Model>, train: bool, spoil: F) -> Error
where
    F: FnOnce(&mut Input, &mut Target) + Send + 'static,
{
    let mut learn = builder.quiet().callback(Spoil(Some(spoil), train)).build().expect("nothing is wrong with it");
    let error = learn.fit(3, 0.01).expect_err("a batch is spoilt");
    assert_eq!(learn.report().epochs.len(), 1, "the first epoch was trained");
    usable(&mut learn);
    error
}

fn usable(learn: &mut Learner) {
    let report = learn.fit(2, 0.01).expect("it trains on");
    assert_eq!((report.outcome, report.epochs.len()), (Outcome::Finished, 2));
}

const TRAINING: Position = Position {
    epoch: Some(1),
    epochs_before: 1,
    batch: Some(2),
    train: true,
    after_batch: None,
    own_run: None,
    predict: false,
};
const VALIDATION: Position = Position { batch: Some(0), train: false, ..TRAINING };

fn images() -> LearnerBuilder<SimpleCnn> {
    let images = || TensorDataset::new(series(12 * 3 * 25, 0.1).reshape([12, 3, 5, 5]), series(12, 0.2).gt(0.0));
    let images = || images().expect("as many");
    let data = Data::builder(images()).valid(images()).batch_size(4).build().expect("there are items");
    Learner::builder(data, |vars| simple_cnn(vars, &[3, 4, 2]))
}

#[test]
fn the_error_for_wrong_channels_names_both_shapes_and_the_batch() {
    let error = spoilt(images(), true, |input, _| *input = series(4 * 25, 0.1).reshape([4, 1, 5, 5]).into());
    let Error::Model { at, source, .. } = &error else { panic!("{error}") };
    assert_eq!(*at, TRAINING);
    assert!(matches!(source.downcast_ref(), Some(InputError::Shape { got, .. }) if *got == [4, 1, 5, 5]), "{error}");
    assert_eq!(
        error.to_string(),
        "the model, epoch 1, training batch 2, with [4, 1, 5, 5] Float: the model takes images of the shape \
         [n, 3, h, w] and got [4, 1, 5, 5]"
    );
}

#[test]
fn a_wrong_shape_for_a_layer_of_tch_is_an_error_and_not_a_panic() {
    let labels = TensorDataset::new(series(12 * 4, 0.1).reshape([12, 4]), series(12, 0.2).gt(0.0)).expect("as many");
    let data = Data::builder(labels).batch_size(4).build().expect("there are items");
    let builder = Learner::builder(data, |vars| tch::nn::linear(vars, 4, 2, tch::nn::LinearConfig::default()));
    let error = spoilt(builder, true, |input, _| *input = series(20, 0.1).reshape([4, 5]).into());
    let Error::Model { at, source, .. } = &error else { panic!("{error}") };
    assert_eq!(*at, TRAINING);
    assert!(source.is::<mixup::error::Refusal>());
    let text = error.to_string();
    assert!(
        text.starts_with("the model, epoch 1, training batch 2, with [4, 5] Float: mat1 and mat2 shapes"),
        "{text}"
    );
    assert!(text.ends_with("(4x5 and 4x2)"), "no stack of frames: {text}");
}

/// A user's model with a layer of `tch`, and with a panic for images.
struct Own(tch::nn::Linear);

impl Model for Own {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        let rows = input.one()?;
        assert!(rows.dim() < 3, "these are images");
        Ok(rows.apply(&self.0))
    }
}

fn own() -> LearnerBuilder<Own> {
    let labels = TensorDataset::new(series(12 * 4, 0.1).reshape([12, 4]), series(12, 0.2).gt(0.0)).expect("as many");
    let data = Data::builder(labels).batch_size(4).build().expect("there are items");
    Learner::builder(data, |vars| Own(tch::nn::linear(vars, 4, 2, tch::nn::LinearConfig::default())))
}

#[test]
fn a_layer_of_tch_in_a_model_of_ones_own_is_an_error_and_no_panic() {
    let error = spoilt(own(), true, |input, _| *input = series(20, 0.1).reshape([4, 5]).into());
    let Error::Model { at, source, .. } = &error else { panic!("{error}") };
    assert_eq!(*at, TRAINING);
    assert!(source.is::<mixup::error::Refusal>());
    assert!(error.to_string().ends_with("(4x5 and 4x2)"), "no stack of frames: {error}");
}

/// Refuses its fourth batch, by a function of `tch` that panics.
struct Uneven(TensorDataset, AtomicUsize);

impl Dataset for Uneven {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
        if self.1.fetch_add(1, Ordering::Relaxed) == 4 {
            let _ = series(6, 0.1).view([4, 2]);
        }
        self.0.batch(indices, rngs)
    }
}

#[test]
fn what_libtorch_rejects_in_a_function_that_panics_is_an_error_with_its_place_wherever_it_is_called() {
    /// Multiplies what does not fit, once.
    struct Multiplies(bool);

    #[callback]
    impl Multiplies {
        #[on(loss_begin, train, if = (epoch, num_batch) == (1, 2))]
        fn multiply(&mut self, last_output: &mut Tensor) {
            if std::mem::take(&mut self.0) {
                *last_output = last_output.matmul(&series(9, 0.1).reshape([3, 3]));
            }
        }
    }

    let at_9 = |counter: &AtomicUsize| if counter.fetch_add(1, Ordering::Relaxed) == 5 { 9 } else { 8 };
    let of_loss = AtomicUsize::new(0);
    let loss = move |output: &Tensor, target: &Target, reduction: Reduction| {
        let rows = output.view([-1]).narrow(0, 0, at_9(&of_loss));
        CrossEntropy::default().loss(&rows.view([4, 2]), target, reduction)
    };
    let of_metric = AtomicUsize::new(0);
    let counts = move |output: &Tensor, _: &Target| output.view([-1]).narrow(0, 0, at_9(&of_metric)).mean(Kind::Float);
    let uneven = Data::builder(Uneven(items(12), AtomicUsize::new(0))).batch_size(4).build().expect("three batches");
    let builders = [
        (
            on(data(12, 0)).callback(Multiplies(true)),
            "callback `Multiplies`, hook `on_loss_begin`, epoch 1, training batch 2: mat1",
        ),
        (on(data(12, 0)).loss(loss), "the loss function "),
        (
            on(data(4, 8)).metric_named("counts", counts),
            "the metric `counts`, epoch 2, validation batch 1: start (0) + length (9)",
        ),
        (on(uneven), "the data, epoch 1, training batch 1: shape '[4, 2]' is invalid"),
    ];
    for (builder, begins) in builders {
        let mut learn = builder.quiet().build().expect("nothing is wrong with it");
        let error = learn.fit(4, 0.01).expect_err("libtorch rejects it");
        let text = error.to_string();
        assert!(text.starts_with(begins) && !text.contains("Exception raised"), "{text}");
        let mut source = error.source();
        while let Some(cause) = source.filter(|cause| !cause.is::<mixup::error::Refusal>()) {
            source = cause.source();
        }
        assert!(source.is_some(), "{error:?}");
        usable(&mut learn);
    }
}

/// Plain gradient descent, which multiplies what does not fit in its sixth step.
#[derive(Default)]
struct Clumsy {
    hypers: Hypers,
    steps: usize,
}

impl Optimizer for Clumsy {
    fn step(&mut self, params: &Params) -> Result<(), TchError> {
        self.steps += 1;
        // `no_grad` does not turn autograd on again after a panic.
        tch::no_grad(|| {
            for param in params.as_slice() {
                if self.steps == 6 {
                    let _ = series(6, 0.1).matmul(&series(7, 0.1));
                }
                let Some(grad) = param.gradient()? else { continue };
                let _ = param.tensor().shallow_clone().f_sub_(&grad.f_mul_scalar(self.hypers.of(param).lr)?)?;
            }
            Ok(())
        })
    }

    fn hypers(&self) -> &Hypers {
        &self.hypers
    }

    fn hypers_mut(&mut self) -> &mut Hypers {
        &mut self.hypers
    }

    fn check(&self) -> Result<(), SettingError> {
        self.hypers.check()
    }

    fn describe(&self) -> String {
        "Clumsy".to_owned()
    }
}

#[test]
fn what_libtorch_rejects_in_a_users_optimizer_is_an_error_with_its_place_and_no_panic() {
    let mut learn = on(data(12, 0)).optimizer(Clumsy::default()).quiet().build().expect("nothing is wrong with it");
    let error = learn.fit(4, 0.01).expect_err("libtorch rejects it");
    let Error::Torch { what: "the optimizer's step", at, source } = &error else { panic!("{error}") };
    assert_eq!(*at, TRAINING);
    assert!(
        matches!(&**source, TchError::Torch(text) if text.contains("expected tensor [6] and src [7]")),
        "{source:?}"
    );
    let text = error.to_string();
    assert!(text.starts_with("the optimizer's step, epoch 1, training batch 2: ") && !text.contains('\n'), "{text}");
    usable(&mut learn);
}

#[test]
fn only_a_panic_that_is_no_error_is_printed() {
    if process::is_own() {
        spoilt(own(), true, |input, _| *input = series(20, 0.1).reshape([4, 5]).into());
        let images = |input: &mut Input, _: &mut Target| *input = series(20, 0.1).reshape([4, 5, 1]).into();
        let mut learn = own().quiet().callback(Spoil(Some(images), true)).build().expect("a learner");
        let payload = catch_unwind(AssertUnwindSafe(|| learn.fit(3, 0.01))).expect_err("the model panics");
        assert_eq!(panic_text(&*payload), "these are images");
        usable(&mut learn);
        catch_unwind(|| series(6, 0.1).matmul(&series(7, 0.1))).expect_err("a refusal outside of a training");
        return;
    }
    let ran = process::run("only_a_panic_that_is_no_error_is_printed");
    let printed = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{printed}");
    assert!(!printed.contains("4x5 and 4x2"), "{printed}");
    assert_eq!(printed.matches("these are images").count(), 1, "{printed}");
    assert_eq!(printed.matches("panicked at").count(), 2, "{printed}");
}

#[test]
fn an_error_of_libtorch_in_a_users_model_is_reported_with_the_inputs_shape() {
    let error = spoilt(on(data(12, 4)), true, |input, _| *input = series(20, 0.1).reshape([4, 5]).into());
    let text = error.to_string();
    assert!(text.starts_with("the model, epoch 1, training batch 2, with [4, 5] Float: "), "{text}");
    assert!(text.contains("4x5 and 3x2"), "{text}");
    assert!(error.source().is_some(), "libtorch's own error stands behind it");
}

#[test]
fn the_error_distinguishes_a_validation_batch_from_a_training_batch() {
    let error = spoilt(on(data(12, 4)), false, |input, _| *input = series(20, 0.1).reshape([4, 5]).into());
    assert!(matches!(error, Error::Model { at, .. } if at == VALIDATION), "{error}");
    assert!(error.to_string().starts_with("the model, epoch 1, validation batch 0, with [4, 5] Float: "), "{error}");
}

#[test]
fn binary_cross_entropy_rejects_class_indices_and_says_what_it_takes() {
    let dense = || TensorDataset::new(series(36, 0.37).reshape([12, 3]), series(24, 0.2).abs().reshape([12, 2]));
    let data = Data::builder(dense().expect("as many")).batch_size(4).build().expect("there are items");
    let builder = Learner::builder(data, |vars| linear(vars, 3, 2)).loss(BceWithLogits::default());
    let error = spoilt(builder, true, |_, target| *target = Tensor::from_slice(&[0_i64, 1, 1, 0]).into());
    assert!(matches!(&error, Error::Loss { at, .. } if *at == TRAINING));
    assert_eq!(
        error.to_string(),
        "the loss function BceWithLogits, epoch 1, training batch 2: BceWithLogits takes dense values of a floating \
         kind (one-hot labels, or numbers), and the target is class indices"
    );
}

#[test]
fn the_squared_error_of_a_column_and_a_row_is_an_error_with_both_shapes() {
    let dense = TensorDataset::new(series(36, 0.37).reshape([12, 3]), series(12, 0.2).reshape([12, 1]));
    let data = Data::builder(dense.expect("as many")).batch_size(4).build().expect("there are items");
    let builder = Learner::builder(data, |vars| linear(vars, 3, 1)).loss(Mse);
    let error = spoilt(builder, true, |_, target| *target = series(4, 0.2).into());
    let Error::Loss { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(LossError::Shapes { .. })), "{error}");
    assert!(error.to_string().ends_with("the output is [4, 1] and the target [4]"), "{error}");
}

#[test]
fn the_error_for_an_unknown_class_names_the_batch() {
    let error = spoilt(on(data(12, 4)), true, |_, target| *target = Tensor::from_slice(&[0_i64, 1, 5, 0]).into());
    let text = error.to_string();
    assert!(text.starts_with("the loss function CrossEntropy, epoch 1, training batch 2: "), "{text}");
    assert!(text.contains('5'), "{text}");
}

#[test]
fn the_error_for_a_metric_that_does_not_fit_names_it() {
    // The loss takes any target; the metric takes only classes.
    let builder = on(data(12, 4)).loss(per_item(|output: &Tensor, _: &Target| output.square()));
    let builder = builder.metric(error_rate).metric_named("how right", accuracy);
    let error = spoilt(builder, false, |_, target| *target = Target::Dense(series(12, 0.2).reshape([4, 3])));
    let Error::Metric { metric, at, source } = &error else { panic!("{error}") };
    assert_eq!((metric.as_str(), *at), ("error_rate", VALIDATION));
    assert!(matches!(source.downcast_ref(), Some(MetricError::Shapes { .. })), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("the metric `error_rate`, epoch 1, validation batch 0: "), "{text}");
    assert!(text.ends_with("the output is [4, 2] and the target [4, 3]"), "{text}");
}

#[test]
fn a_metric_that_is_not_one_number_is_an_error() {
    let whole = |output: &Tensor, _: &Target| output.shallow_clone();
    let mut learn = on(data(12, 4)).metric_named("whole", whole).build().expect("nothing is wrong with it");
    let error = learn.fit(1, 0.01).expect_err("eight numbers are none");
    let Error::Metric { metric, source, .. } = &error else { panic!("{error}") };
    assert_eq!(metric, "whole");
    assert!(matches!(source.downcast_ref(), Some(MetricError::NotOne { got }) if *got == [4, 2]), "{error}");
    assert!(error.to_string().contains("`whole`, epoch 0, validation batch 0: "), "{error}");
}

#[test]
fn the_error_for_data_that_fail_names_the_batch() {
    for (after, at) in [(4, "epoch 1, training batch 0"), (3, "epoch 0, validation batch 0")] {
        let fuse = Fuse::default();
        let part = |count| Fused(items(count), fuse.clone());
        let data = Data::builder(part(12)).valid(part(4)).batch_size(4).build().expect("there are items");
        let mut learn = on(data).build().expect("nothing is wrong with it");
        fuse.set(Place::Data, Trouble::Error, after);
        let error = learn.fit(2, 0.01).expect_err("the data fail");
        assert!(matches!(error, Error::Data { .. }), "{error}");
        assert_eq!(error.to_string(), format!("the data, {at}: as planned, in Data"));
        usable(&mut learn);
    }
}

#[test]
fn data_with_a_wrong_number_of_items_is_an_error() {
    struct TooFew;

    impl Dataset for TooFew {
        fn len(&self) -> usize {
            8
        }

        fn batch(&self, indices: &[usize], rngs: &ItemRngs) -> Result<Batch, DataError> {
            items(8).batch(&indices[1..], rngs)
        }
    }

    let data = Data::builder(TooFew).batch_size(4).build().expect("there are items");
    let error = on(data).build().expect("nothing is wrong yet").fit(1, 0.1).expect_err("one is missing");
    let Error::Data { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(**source, DataError::WrongBatch { asked: 4, input: 3, target: 3 }), "{error}");
}

#[test]
fn the_error_for_a_loss_that_is_not_reduced_says_its_shape_and_what_to_do() {
    let raw = |output: &Tensor, _: &Target, _: Reduction| output.square();
    let mut learn = on(data(12, 4)).loss(raw).build().expect("nothing is wrong with it");
    let error = learn.fit(1, 0.01).expect_err("eight losses are none");
    assert!(matches!(&error, Error::LossShape { shape, .. } if *shape == [4, 2]), "{error}");
    let text = error.to_string();
    assert!(text.contains("epoch 0, training batch 0, has the shape [4, 2]") && text.contains("reduce it"), "{text}");
}

#[test]
fn a_loss_that_does_not_depend_on_the_parameters_is_an_error() {
    let fixed = of_batch(|_: &Tensor, _: &Target| Tensor::from(1.5_f32));
    let mut learn = on(data(12, 4)).loss(fixed).build().expect("nothing is wrong with it");
    let error = learn.fit(1, 0.01).expect_err("there is nothing to learn from");
    assert!(error.to_string().starts_with("the backward pass, epoch 0, training batch 0: "), "{error}");
}

#[test]
fn an_error_of_a_users_loss_is_reported_with_its_batch() {
    let fuse = Fuse::default();
    let mut learn = on(data(12, 4)).loss(Fused(CrossEntropy::default(), fuse.clone())).build().expect("it builds");
    fuse.set(Place::Loss, Trouble::Error, 5);
    let error = learn.fit(2, 0.01).expect_err("the loss function fails");
    assert_eq!(error.to_string(), "the loss function Fused, epoch 1, training batch 1: as planned, in Loss");
    usable(&mut learn);
}

#[test]
fn the_error_for_a_hook_that_fails_names_the_callback_and_the_moment() {
    let cases = [
        (Hook::TrainBegin, 0, "outside of the epochs"),
        (Hook::EpochBegin, 1, "epoch 1"),
        (Hook::BatchBegin, 1, "epoch 0, training batch 1"),
        (Hook::BatchBegin, 3, "epoch 0, validation batch 0"),
        (Hook::StepEnd, 5, "epoch 1, training batch 2"),
        (Hook::ValidateBegin, 0, "epoch 0"),
        (Hook::ValidateEnd, 0, "epoch 0"),
        (Hook::EpochEnd, 1, "epoch 1"),
    ];
    for (hook, after, at) in cases {
        let fuse = Fuse::default();
        let mut learn = on(data(12, 4)).callback(Saboteur(fuse.clone())).build().expect("nothing is wrong with it");
        fuse.set(Place::Hook(hook), Trouble::Error, after);
        let error = learn.fit(2, 0.01).expect_err("a hook fails");
        let source = format!("as planned, in {:?}", Place::Hook(hook));
        assert_eq!(error.to_string(), format!("callback `Saboteur`, hook `{hook}`, {at}: {source}"));
        let own = error.source().and_then(|source| source.downcast_ref::<support::fuse::Planned>());
        assert_eq!(own.map(|planned| planned.0), Some(Place::Hook(hook)), "the user's own error stands behind it");
        usable(&mut learn);
    }
}

#[test]
fn an_error_in_a_hook_after_the_batches_of_a_validation_or_predictions_names_no_batch() {
    for (validates, end, batch, kind) in [
        (true, Hook::ValidateEnd, Hook::LossBegin, "validation"),
        (false, Hook::PredictEnd, Hook::PredictBatchEnd, "prediction"),
    ] {
        let fuse = Fuse::default();
        let mut learn = on(data(12, 4)).callback(Saboteur(fuse.clone())).build().expect("nothing is wrong with it");
        for (hook, at) in [(end, "outside of the epochs".to_owned()), (batch, format!("{kind} batch 0"))] {
            fuse.set(Place::Hook(hook), Trouble::Error, 0);
            let looked = if validates { learn.validate().map(drop) } else { learn.predictions().map(drop) };
            let source = format!("as planned, in {:?}", Place::Hook(hook));
            let expected = format!("callback `Saboteur`, hook `{hook}`, {at}: {source}");
            assert_eq!(looked.expect_err("it fails").to_string(), expected);
        }
    }
}

#[test]
fn class_indices_that_mixup_should_mix_as_numbers_are_an_error_that_says_what_to_do() {
    let builder = on(data(12, 4)).callback(MixUp::default().stack_y(false));
    let mut learn = builder.build().expect("nothing is wrong with it");
    let error = learn.fit(1, 0.01).expect_err("class indices are no numbers");
    let text = error.to_string();
    assert!(text.starts_with("callback `MixUp`, hook `on_batch_begin`, epoch 0, training batch 0: "), "{text}");
    assert!(text.contains("leave `stack_y` true"), "{text}");
    learn.remove::<MixUp>().expect("it is there");
    usable(&mut learn);
}

#[test]
fn two_mixups_are_rejected() {
    let mut learn = on(data(12, 4)).mixup().mixup().build().expect("nothing is wrong with it");
    let original = learn.loss_func().clone();
    let error = learn.fit(1, 0.01).expect_err("mixed already");
    assert!(error.to_string().contains("the batch is mixed already: use one mixing callback"), "{error}");
    assert!(learn.loss_func().is_same(&original));
}

#[test]
fn a_users_metric_that_fails_leaves_the_learner_usable() {
    let fuse = Fuse::default();
    let mut learn = on(data(12, 4)).metric_named("own", metric(&fuse)).build().expect("nothing is wrong with it");
    fuse.set(Place::Metric, Trouble::Error, 1);
    let error = learn.fit(2, 0.01).expect_err("the metric fails");
    assert_eq!(error.to_string(), "the metric `own`, epoch 1, validation batch 0: as planned, in Metric");
    usable(&mut learn);
}

#[test]
fn several_inputs_for_a_model_of_one_are_an_error() {
    let error = spoilt(on(data(12, 4)), true, |input, _| *input = vec![series(4, 0.1), series(4, 0.2)].into());
    let text = error.to_string();
    assert!(text.contains("with [4] Float, [4] Float: the model takes one tensor and got 2"), "{text}");
}

#[test]
fn the_error_for_a_setting_that_a_callback_spoils_names_the_callback() {
    struct Wrong(f64, f64);

    #[callback]
    impl Wrong {
        #[on(batch_begin, train, if = num_batch == 1)]
        fn set(&self, opt: &mut dyn Optimizer) {
            opt.set_lr(self.0);
            opt.hypers_mut().set_momentum(self.1);
        }
    }

    for (lr, momentum, expected) in [
        (f64::NAN, 0.5, "the optimizer's lr is NaN"),
        (-1.0, 0.5, "the optimizer's lr is -1"),
        (0.1, 1.5, "the optimizer's momentum is 1.5"),
    ] {
        let mut learn = on(data(8, 0)).callback(Wrong(lr, momentum)).build().expect("nothing is wrong yet");
        let error = learn.fit(1, 0.1).expect_err("no step can be taken with it").to_string();
        let place = "callback `Wrong`, hook `on_batch_begin`, epoch 0, training batch 1: ";
        assert!(error.starts_with(&format!("{place}{expected}")), "{error}");
    }
}

#[test]
fn a_model_whose_parameters_are_all_frozen_has_nothing_to_train() {
    let mut learn = on(data(8, 4)).build().expect("nothing is wrong with it");
    learn.freeze("default").expect("the only group");
    let error = learn.fit(1, 0.1).expect_err("all is frozen");
    let expected = "nothing is left to train, epoch 0, training batch 0: all parameters are frozen; unfreeze some, or only validate";
    assert_eq!(error.to_string(), expected);
    learn.validate().expect("it can be validated");
    learn.unfreeze();
    learn.fit(1, 0.1).expect("it trains again");
}

/// What a user writes in `main`: each `?` converts another error.
#[test]
fn a_main_that_returns_box_error_takes_all_errors_and_so_do_hooks_losses_and_metrics() -> Result<(), BoxError> {
    fn number(text: &str) -> Result<f64, BoxError> {
        let number: f64 = text.parse()?;
        if number < 0.0 {
            Err("below zero")?;
        }
        Ok(number)
    }

    struct Reads;

    #[callback]
    impl Reads {
        fn on_batch_end(last_loss: &Tensor, last_input: &Input) -> Result<Option<StopTraining>, BoxError> {
            let _ = f64::try_from(last_loss)? + number("1.5")?;
            let _ = last_input.one()?.f_view([-1])?;
            Ok(None)
        }
    }

    let items = TensorDataset::new(series(12, 0.1).reshape([4, 3]), series(8, 0.2).reshape([4, 2]))?;
    let valid = TensorDataset::new(series(12, 0.3).reshape([4, 3]), series(8, 0.4).reshape([4, 2]))?;
    let data = Data::builder(items).valid(valid).batch_size(2).build()?;
    let mut learn = Learner::builder(data, |vars| linear(vars, 3, 2))
        .loss(|output: &Tensor, target: &Target, reduction: Reduction| -> Result<Tensor, BoxError> {
            Ok(output.f_mse_loss(target.tensor(), reduction.into())? * number("1")?)
        })
        .metric_named("far", |output: &Tensor, target: &Target| -> Result<Tensor, BoxError> {
            Ok(output.f_sub(target.tensor())?.f_abs()?.f_mean(Kind::Float)?)
        })
        .callback(Reads)
        .callback(hook!(on_epoch_end, |epoch: usize| -> Result<(), BoxError> {
            number(&epoch.to_string())?;
            Ok(())
        }))
        .quiet()
        .build()?;
    learn.fit(1, 0.1)?;
    learn.validate()?;
    learn.predictions()?;
    let _ = learn.model().forward_any(&series(6, 0.1).reshape([2, 3]).into(), false)?;
    learn.get::<Reads>().ok_or("it was added")?;
    assert_eq!(number("-1").expect_err("a negative one").to_string(), "below zero");
    Ok(())
}
