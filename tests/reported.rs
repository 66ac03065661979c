//! Faults that users of other libraries reported and that can't happen here: one test for each report, with its source.
#![allow(clippy::cast_precision_loss, reason = "small counts become numbers")]

use mixup::{model::Vars, prelude::*, training::Outcome};
use tch::{Kind, Tensor, nn};

mod numbers;
use numbers::{assert_close, classes, f64s, random};

fn linear(outputs: i64) -> impl FnOnce(&Vars<'_>) -> nn::Linear {
    // `nn::linear` would draw from libtorch's generator, which is shared with the tests that run at the same time.
    move |vars| {
        let ws = vars.path().var_copy("weight", &random(&[outputs, 4], Kind::Float, 77));
        nn::Linear { ws, bs: Some(vars.path().zeros("bias", &[outputs])) }
    }
}

/// Ten items of four numbers in batches of four, the last of two.
fn data(target: impl Into<Target>) -> Data {
    let set = TensorDataset::new(random(&[10, 4], Kind::Float, 1), target).expect("ten of each");
    let valid = TensorDataset::new(random(&[10, 4], Kind::Float, 1), classes(&[10], 3, 2)).expect("ten of each");
    Data::builder(set).valid(valid).batch_size(4).build().expect("there are items")
}

fn learner() -> Learner {
    Learner::builder(data(classes(&[10], 3, 2)), linear(3)).mixup().quiet().build().expect("a learner")
}

// losses and targets

/// Fails, stops or does nothing at the third batch.
struct End(Option<&'static str>);

#[callback(order = 10)]
impl End {
    fn on_batch_end(&mut self, iteration: usize) -> Result<Option<StopTraining>, String> {
        match self.0 {
            Some("stop") if iteration == 2 => Ok(Some(StopTraining::because("enough"))),
            Some("fail") if iteration == 2 => Err("no more".to_owned()),
            _ => Ok(None),
        }
    }
}

// fastai #3454, #3508, #3486: the loss function stays wrapped after a cancelled training, and the next training fails.
#[test]
fn the_loss_function_is_unwrapped_after_a_cancelled_training_and_the_next_one_trains() {
    for how in ["stop", "fail"] {
        let mut learn = learner();
        let original = learn.loss_func().clone();
        learn.callback(End(Some(how)));
        let _ = learn.fit(1, 0.01);
        assert!(learn.loss_func().is_same(&original), "after a {how}");
        if let Some(end) = learn.get_mut::<End>() {
            end.0 = None;
        }
        assert_eq!(learn.fit(1, 0.01).expect("the next training").outcome, Outcome::Finished);
        assert!(learn.loss_func().is_same(&original), "after the next training");
    }
}

// fastai #1997: with `stack_y` false the end of training fails, for there is nothing to unwrap.
#[test]
fn training_without_stacked_targets_ends_as_it_should() {
    let data = data(random(&[10, 3], Kind::Float, 2).softmax(1, Kind::Float));
    let mixup = MixUp::default().stack_y(false);
    let mut learn = Learner::builder(data, linear(3)).callback(mixup).quiet().build().expect("a learner");
    let original = learn.loss_func().clone();
    assert_eq!(learn.fit(2, 0.01).expect("a training").outcome, Outcome::Finished);
    assert!(learn.loss_func().is_same(&original));
}

// fastai #2316: predictions first, then a training with MixUp, fails.
#[test]
fn predictions_may_run_before_and_after_a_training() {
    let mut learn = learner();
    let before = f64s(&learn.predictions().expect("there is validation data").outputs);
    learn.fit(2, 0.1).expect("a training");
    let after = f64s(&learn.predictions().expect("there is validation data").outputs);
    assert_eq!(after.len(), before.len());
    assert_ne!(after, before);
}

// fastai #2233: MixUp together with half precision fails.
#[test]
fn mixup_trains_a_model_in_half_precision() {
    for kind in [Kind::Half, Kind::BFloat16] {
        // The parameters are f32, as in mixed precision; inputs, outputs and losses are in half precision.
        let model = move |vars: &Vars<'_>| {
            let ws = vars.path().var_copy("weight", &random(&[3, 4], Kind::Float, 77));
            nn::seq().add_fn(move |x| x.linear(&ws.to_kind(kind), None::<&Tensor>))
        };
        let x = random(&[10, 4], kind, 1);
        let items = || TensorDataset::new(x.shallow_clone(), classes(&[10], 3, 2)).expect("ten of each");
        let data = Data::builder(items()).valid(items()).batch_size(4).build().expect("there are items");
        let mut learn = Learner::builder(data, model).mixup().seed(3).quiet().build().expect("a learner");
        let before = learn.validate().expect("there is validation data").loss;
        learn.fit(20, 0.05).expect("a training");
        let after = learn.validate().expect("there is validation data").loss;
        assert!(after < before, "{kind:?}: {after} after {before}");
    }
}

// fastai #903, fastai_dev #269: with several labels per item the shapes do not fit.
#[test]
fn several_labels_per_item_are_mixed_item_by_item() {
    let labels = |seed| random(&[4, 5], Kind::Double, seed).gt(0.0).to_kind(Kind::Double);
    let (output, weight) = (random(&[4, 5], Kind::Double, 1), Tensor::from_slice(&[0.9, 0.7, 0.6, 0.5]));
    let boxed = |seed| Box::new(Target::from(labels(seed)));
    let mixed = Target::Mixed { first: boxed(2), second: boxed(3), weight: weight.shallow_clone() };
    let bce = || LossFunc::new(BceWithLogits::default());
    let got = MixUpLoss::new(bce()).loss(&output, &mixed, Reduction::None).expect("they fit");
    let losses = |seed| bce().loss(&output, &labels(seed).into(), Reduction::None).expect("they fit");
    let want = losses(3).lerp_tensor(&losses(2), &weight.unsqueeze(1));
    assert_eq!(got.size(), [4, 5]);
    assert_close("loss", &f64s(&got), &f64s(&want), 1e-12, 1.0);
}

// fastai #3183: any loss but cross-entropy fails.
#[test]
fn every_loss_that_keeps_the_items_apart_trains_with_mixup() {
    let absolute = |output: &Tensor, target: &Target| output.f_sub(target.tensor())?.f_abs();
    let whole = |output: &Tensor, target: &Target, reduction: Reduction| -> Result<Tensor, tch::TchError> {
        reduction.of(&output.f_sub(target.tensor())?.f_abs()?)
    };
    let losses = [
        LossFunc::new(Mse),
        LossFunc::new(BceWithLogits::default()),
        LossFunc::new(per_item(absolute)),
        LossFunc::new(whole),
    ];
    for loss in losses {
        let rows = || TensorDataset::new(random(&[10, 4], Kind::Float, 1), random(&[10, 3], Kind::Float, 2).sigmoid());
        let data = Data::builder(rows().expect("ten of each")).batch_size(4).build().expect("there are items");
        let mut learn = Learner::builder(data, linear(3)).loss(loss).mixup().quiet().build().expect("a learner");
        let losses: Vec<_> =
            learn.fit(10, 0.05).expect("a training").epochs.iter().map(|epoch| epoch.train_loss).collect();
        assert!(losses[9] < losses[0], "{:?}: {losses:?}", learn.loss_func());
    }
}

// fastai #3180: predictions after training use the wrapped loss's activation.
#[test]
fn predictions_after_a_training_have_the_activation_of_the_original_loss_function() {
    let mut learn = learner();
    learn.fit(1, 0.01).expect("a training");
    let found = learn.predictions().expect("there is validation data");
    let params: Vec<_> = learn.params().iter().map(|(_, tensor)| tensor.detach()).collect();
    let raw = random(&[10, 4], Kind::Float, 1).linear(&params[0], Some(&params[1]));
    assert_close("softmax", &f64s(&found.outputs), &f64s(&raw.softmax(1, Kind::Float)), 1e-5, 1.0);
}

// fastai #2286, #1163: the loss is averaged before the caller's reduction is applied.
#[test]
fn a_mixed_loss_is_reduced_as_asked_after_mixing() {
    let output = random(&[6, 3], Kind::Double, 1);
    let labels = |seed| Box::new(Target::from(classes(&[6], 3, seed)));
    let weight = Tensor::from_slice(&[0.9, 0.8, 0.7, 0.6, 0.5, 1.0]);
    let mixed = Target::Mixed { first: labels(2), second: labels(3), weight };
    let loss = MixUpLoss::new(LossFunc::new(CrossEntropy::default()));
    let of = |reduction| f64s(&loss.loss(&output, &mixed, reduction).expect("they fit"));
    let items = of(Reduction::None);
    assert_eq!(items.len(), 6);
    let sum = items.iter().sum::<f64>();
    assert_close("sum", &of(Reduction::Sum), &[sum], 1e-12, 1.0);
    assert_close("mean", &of(Reduction::Mean), &[sum / 6.0], 1e-12, 1.0);
}

// braindecode #1121: a plain batch of three targets is taken for a mixed one.
#[test]
fn a_plain_target_of_three_numbers_is_not_mistaken_for_a_mixed_one() {
    let loss = || MixUpLoss::new(LossFunc::new(Mse));
    for shape in [vec![3], vec![3, 3], vec![5, 3]] {
        let (output, y) = (random(&shape, Kind::Double, 1), Target::from(random(&shape, Kind::Double, 2)));
        assert!(!y.is_mixed());
        let got = loss().loss(&output, &y, Reduction::Mean).expect("they fit");
        let want = Mse.loss(&output, &y, Reduction::Mean).expect("they fit");
        assert_close("plain", &f64s(&got), &f64s(&want), 0.0, 0.0);
    }
    let three = Target::several([3, 4, 5].map(|seed| Target::from(classes(&[3], 3, seed)))).expect("as many of each");
    assert!(!three.is_mixed());
}

// fastai v1's packed target: half precision can't represent every integer above 2,048.
#[test]
fn the_loss_function_gets_label_100_003_unchanged_with_inputs_in_half_precision() {
    for kind in [Kind::Half, Kind::BFloat16] {
        let mut input = Input::from(random(&[3, 4], kind, 1));
        let mut target = Target::from(Tensor::from_slice(&[100_003_i64, 2_049, 7]));
        let draws = Draws::new(vec![0.75, 0.6, 0.9], vec![1, 2, 0]).expect("a permutation");
        MixUp::default().mix(&mut input, &mut target, &draws).expect("it can be mixed");
        assert_eq!(input.one().expect("one tensor").kind(), kind);
        let Target::Mixed { first, second, .. } = &target else { panic!("{target}") };
        assert_eq!(f64s(first.tensor()), [100_003.0, 2_049.0, 7.0]);
        assert_eq!(f64s(second.tensor()), [2_049.0, 7.0, 100_003.0]);
        // Log-probabilities that show which of them were used: the index in thousands.
        let output = Tensor::arange(100_004, (Kind::Float, tch::Device::Cpu)).neg() / 1000.0;
        let output = output.expand([3, 100_004], false);
        let loss = MixUpLoss::new(LossFunc::new(Nll::default())).loss(&output, &target, Reduction::None);
        let want = [0.75 * 100.003 + 0.25 * 2.049, 0.6 * 2.049 + 0.4 * 0.007, 0.9 * 0.007 + 0.1 * 100.003];
        assert_close("loss", &f64s(&loss.expect("they fit")), &want, 1e-5, 0.0);
    }
}

// mixing and batches

/// Each batch as the model was about to see it: whether the model is trained, how many items the batch has, whether they are mixed.
#[derive(Clone, Default)]
struct Batches(std::sync::Arc<std::sync::Mutex<Vec<(bool, usize, bool)>>>);

#[callback(order = 10)]
impl Batches {
    fn on_batch_begin(&mut self, train: bool, last_input: &Input, last_target: &Target) {
        self.0.lock().expect("no thread panicked").push((train, last_input.items(), last_target.is_mixed()));
    }
}

/// Images of 6×6 in batches of four.
fn images(items: i64) -> Data {
    let set = || TensorDataset::new(random(&[items, 1, 6, 6], Kind::Float, 1), classes(&[items], 3, 2));
    let data = Data::builder(set().expect("as many")).valid(set().expect("as many")).batch_size(4).build();
    data.expect("there are items")
}

/// A learner on such images with one callback of the family.
fn on_images(items: i64, mixing: impl mixup::callback::Callback) -> Learner {
    let builder = Learner::builder(images(items), |vs| simple_cnn(vs, &[1, 4, 3])).callback(mixing);
    builder.quiet().build().expect("a learner")
}

// timm #1304, PaddleViT #134, BirdSet #274: an odd batch, a last small batch, a batch of one fails.
#[test]
fn odd_batches_a_small_last_one_and_a_batch_of_one_are_mixed() {
    for (items, last) in [(7, 3), (6, 2), (5, 1), (1, 1), (3, 3)] {
        let mixings = [
            (on_images(items, MixUp::default()), "MixUp"),
            (on_images(items, CutMix::default()), "CutMix"),
            (on_images(items, MixUpOrCutMix::default()), "either"),
        ];
        for (mut learn, mixing) in mixings {
            let batches = Batches::default();
            learn.callback(batches.clone());
            learn.fit(2, 0.01).expect("a training");
            let batches = batches.0.lock().expect("no thread panicked");
            let trained: Vec<_> = batches.iter().filter(|(train, ..)| *train).collect();
            assert_eq!(trained.last(), Some(&&(true, last, true)), "{mixing}, {items} items");
            assert!(trained.iter().all(|(_, _, mixed)| *mixed), "{mixing}, {items} items");
        }
    }
}

// catalyst #200: the hook runs before the batch is there, and validation is mixed too.
#[test]
fn training_batches_are_mixed_and_validation_batches_are_not() {
    for mut learn in [on_images(7, MixUp::default()), on_images(7, CutMix::default())] {
        let batches = Batches::default();
        learn.callback(batches.clone());
        learn.fit(1, 0.01).expect("a training");
        learn.validate().expect("there is validation data");
        let batches = batches.0.lock().expect("no thread panicked");
        let (trained, looked_at) = batches.split_at(2);
        assert_eq!(trained, [(true, 4, true), (true, 3, true)]);
        assert_eq!(looked_at, [(false, 4, false), (false, 3, false)].repeat(2));
    }
}

// Lightning #657: `on_train_end` is not called when training stops early.
#[test]
fn the_ends_of_the_whole_family_run_when_training_stops_early() {
    for mut learn in [on_images(12, CutMix::default()), on_images(12, MixUpOrCutMix::default())] {
        let original = learn.loss_func().clone();
        learn.callback(End(Some("stop")));
        let report = learn.fit(3, 0.01).expect("a stop is no error");
        assert!(matches!(report.outcome, Outcome::Stopped { .. }), "{}", report.outcome);
        assert!(learn.loss_func().is_same(&original));
    }
}

/// A learning-rate search: the rate grows with each batch, until a given batch.
struct Search(usize);

#[callback]
impl Search {
    fn on_batch_begin(&self, iteration: usize, opt: &mut dyn Optimizer) -> Option<StopTraining> {
        opt.set_lr(1e-5 * 10_f64.powi(i32::try_from(iteration).unwrap_or(0)));
        (iteration == self.0).then(|| StopTraining::because("the search is over"))
    }
}

// fastai #2233, #3454: MixUp, a learning-rate search and half precision together fail, and so does the training behind it.
#[test]
fn a_training_with_mixup_in_half_precision_follows_a_learning_rate_search() {
    let set = TensorDataset::new(random(&[10, 4], Kind::BFloat16, 1), classes(&[10], 3, 2)).expect("ten of each");
    let half = |vars: &Vars<'_>| {
        let ws = vars.path().var_copy("weight", &random(&[3, 4], Kind::Float, 77));
        nn::seq().add_fn(move |x| x.linear(&ws.to_kind(Kind::BFloat16), None::<&Tensor>))
    };
    let data = Data::builder(set).batch_size(4).build().expect("there are items");
    let mut learn = Learner::builder(data, half).mixup().callback(Search(2)).quiet().build().expect("a learner");
    let original = learn.loss_func().clone();
    let searched = learn.fit(1, 0.01).expect("a search");
    assert!(matches!(searched.outcome, Outcome::Stopped { .. }), "{}", searched.outcome);
    assert!(learn.loss_func().is_same(&original));
    learn.remove::<Search>();
    let trained = learn.fit(2, 0.01).expect("a training");
    assert_eq!(trained.outcome, Outcome::Finished);
    assert!(trained.last().is_some_and(|epoch| epoch.train_loss.is_finite()));
}

// timm does label smoothing in its mixing; here the loss function does it, and the whole family trains with it.
#[test]
fn label_smoothing_works_with_the_whole_family() {
    let smoothed = || CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
    let builders = || Learner::builder(images(7), |vs| simple_cnn(vs, &[1, 4, 3])).loss(smoothed()).quiet();
    let learners = [
        builders().callback(MixUp::default()),
        builders().callback(CutMix::default()),
        builders().callback(MixUpOrCutMix::default()),
    ];
    for learner in learners {
        let mut learn = learner.build().expect("a learner");
        assert!(learn.fit(2, 0.01).expect("a training").last().is_some_and(|epoch| epoch.train_loss.is_finite()));
        // The loss of a mixed batch is the weighted sum of the two smoothed losses.
        let output = random(&[4, 3], Kind::Double, 5);
        let (first, second) = (Target::from(classes(&[4], 3, 6)), Target::from(classes(&[4], 3, 7)));
        let weight = Tensor::from_slice(&[0.9, 0.2, 0.5, 1.0]);
        let of = |target: &Target| f64s(&smoothed().loss(&output, target, Reduction::None).expect("losses"));
        let (a, b) = (of(&first), of(&second));
        let want: Vec<_> =
            f64s(&weight).iter().zip(a.iter().zip(&b)).map(|(w, (a, b))| w * a + (1.0 - w) * b).collect();
        let mixed = Target::Mixed { first: first.into(), second: second.into(), weight };
        let got = MixUpLoss::new(learn.loss_func().clone()).loss(&output, &mixed, Reduction::None).expect("losses");
        assert_close("loss", &f64s(&got), &want, 1e-12, 1.0);
    }
}
