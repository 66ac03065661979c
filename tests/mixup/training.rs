//! `MixUp` in a training: which batches are mixed, what the model and the loss function get, and that everything is restored at the end.

use std::sync::{Arc, Mutex};

use mixup::{batch::InputError, error::BoxError, loss::LossError, prelude::*, training::Outcome};
use tch::{Kind, Tensor, nn};

use crate::numbers::{assert_close, classes, f64s, prepared, random};

/// A linear model that mixes if it gets `MixUp`'s triple: for a linear layer, mixing before and after it are the same.
#[derive(Debug)]
struct Linear(nn::Linear);

impl Model for Linear {
    type Output = Tensor;

    fn forward_batch(&self, input: &Input, _train: bool) -> Result<Tensor, BoxError> {
        let on = |x: &Tensor| x.f_linear(&self.0.ws, self.0.bs.as_ref());
        Ok(match input {
            Input::Tensor(x) => on(x)?,
            Input::Tensors(several) => on(&Tensor::f_cat(several, 1)?)?,
            Input::Stacked { first, second, weight } => {
                on(second)?.f_lerp_tensor(&on(first)?, &weight.f_unsqueeze(1)?)?
            }
        })
    }
}

fn linear(inputs: i64, outputs: i64) -> impl FnOnce(&mixup::model::Vars<'_>) -> Linear {
    // `nn::linear` would draw from libtorch's generator, which is shared with the tests that run at the same time.
    move |vars| {
        let ws = vars.path().var_copy("weight", &random(&[outputs, inputs], Kind::Float, 77));
        Linear(nn::Linear { ws, bs: Some(vars.path().zeros("bias", &[outputs])) })
    }
}

/// Class indices, or the same classes one-hot.
fn batches(one_hot: bool) -> Data {
    let batch = |n: i64, seed| {
        let y = classes(&[n], 3, seed);
        let y = if one_hot { Target::Dense(y.one_hot(3).to_kind(Kind::Float)) } else { Target::from(y) };
        (random(&[n, 4], Kind::Float, seed), y)
    };
    prepared(&[batch(5, 1), batch(1, 2), batch(4, 3)]).expect("whole batches")
}

/// All parameters.
fn parameters(learn: &Learner) -> Vec<f64> {
    learn.params().iter().flat_map(|(_, tensor)| f64s(tensor)).collect()
}

#[test]
fn all_four_ways_of_stacking_train_alike_and_restore_the_loss_function() {
    // With one-hot targets and cross-entropy, which is linear in them, the losses of all four are the same function of the parameters.
    let mut trained = Vec::new();
    for (stack_x, stack_y) in [(false, false), (false, true), (true, false), (true, true)] {
        let mixup = MixUp::default().stack_x(stack_x).stack_y(stack_y);
        let mut learn = Learner::builder(batches(true), linear(4, 3))
            .callback(mixup)
            .metric(accuracy)
            .seed(3)
            .quiet()
            .build()
            .expect("a learner");
        let before = learn.loss_func().clone();
        let first = parameters(&learn);
        let report = learn.fit(3, 0.01).expect("a training");
        assert_eq!(report.outcome, Outcome::Finished);
        assert!(learn.loss_func().is_same(&before), "stack_x {stack_x}, stack_y {stack_y}");
        assert_ne!(parameters(&learn), first);
        trained.push(parameters(&learn));
        learn.fit(1, 0.01).expect("a second training");
        assert!(learn.loss_func().is_same(&before), "after the second training");
    }
    for other in &trained[1..] {
        assert_close("parameters", other, &trained[0], 1e-4, 1.0);
    }
}

#[test]
fn class_indices_train_with_the_default_way_of_stacking() {
    for stack_x in [false, true] {
        let mixup = MixUp::default().stack_x(stack_x);
        let mut learn =
            Learner::builder(batches(false), linear(4, 3)).callback(mixup).quiet().build().expect("a learner");
        assert!(learn.fit(2, 0.01).expect("a training").last().is_some_and(|epoch| epoch.train_loss.is_finite()));
    }
}

#[test]
fn class_indices_without_stacking_end_the_training_and_the_loss_function_is_restored() {
    let mixup = MixUp::default().stack_y(false);
    let mut learn = Learner::builder(batches(false), linear(4, 3)).callback(mixup).quiet().build().expect("a learner");
    let before = learn.loss_func().clone();
    let message = learn.fit(1, 0.01).expect_err("indices are no numbers").to_string();
    for part in ["MixUp", "on_batch_begin", "epoch 0, training batch 0", "class indices"] {
        assert!(message.contains(part), "«{message}» does not say {part}");
    }
    assert!(learn.loss_func().is_same(&before));
}

#[test]
fn a_tch_model_that_gets_the_triple_says_what_it_got() {
    let build = |vars: &mixup::model::Vars<'_>| nn::linear(vars, 4, 3, nn::LinearConfig::default());
    let mixup = MixUp::default().stack_x(true);
    let mut learn = Learner::builder(batches(false), build).callback(mixup).quiet().build().expect("a learner");
    let error = learn.fit(1, 0.01).expect_err("a linear layer takes one tensor");
    let mixup::training::Error::Model { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.downcast_ref(), Some(&InputError::Stacked));
    assert_eq!(
        error.to_string(),
        "the model, epoch 0, training batch 0, with [5, 4] Float, [5, 4] Float, [5] Float: the model takes one tensor and \
         got MixUp's triple (items, partners, weight): set `stack_x` to false, or implement `Model` for it and take \
         `Input::Stacked`"
    );
}

#[test]
fn several_input_tensors_are_trained_on() {
    let batch = |n: i64, seed| Batch {
        input: vec![random(&[n, 3], Kind::Float, seed), random(&[n, 1], Kind::Float, seed + 100)].into(),
        target: classes(&[n], 3, seed).into(),
    };
    let data = Data::from_batches(vec![batch(6, 1), batch(3, 2)], vec![]).expect("whole batches");
    let mut learn = Learner::builder(data, linear(4, 3)).mixup().quiet().build().expect("a learner");
    assert_eq!(learn.fit(2, 0.01).expect("a training").epochs.len(), 2);
}

/// A batch as the model was about to see it: whether the model is trained, the input, whether the target is mixed.
type Sight = (bool, Vec<f64>, bool);

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Sight>>>);

#[callback(order = 10)]
impl Seen {
    fn on_batch_begin(&mut self, last_input: &Input, last_target: &Target, train: bool) -> Result<(), InputError> {
        let seen = (train, f64s(last_input.one()?), last_target.is_mixed());
        self.0.lock().expect("no thread panicked").push(seen);
        Ok(())
    }
}

#[test]
fn training_batches_are_mixed_and_validation_never_is() {
    let plain: Vec<Vec<f64>> =
        [(5, 1), (1, 2), (4, 3)].map(|(n, seed)| f64s(&random(&[n, 4], Kind::Float, seed))).into();
    let seen = Seen::default();
    let mut learn = Learner::builder(batches(false), linear(4, 3))
        .mixup()
        .callback(seen.clone())
        .quiet()
        .build()
        .expect("a learner");
    learn.fit(2, 0.01).expect("a training");
    let alone = learn.validate().expect("there is validation data");
    let predicted = learn.predictions().expect("there is validation data");
    let seen = seen.0.lock().expect("no thread panicked");
    assert_eq!(seen.len(), 2 * 6 + 3, "predictions run their own hooks");
    for (batch, (train, input, mixed)) in seen.iter().enumerate() {
        assert_eq!(train, mixed, "batch {batch}");
        // A batch of one is its own partner.
        assert_eq!(*input == plain[batch % 3], !train || batch % 3 == 1, "batch {batch}");
    }
    // The validation loss is the plain one.
    let losses = f64s(predicted.losses.as_ref().expect("the data has targets"));
    assert_close("loss", &[losses.iter().sum::<f64>() / 10.0], &[alone.loss], 1e-6, 1.0);
    assert!(!predicted.targets.as_ref().expect("the data has targets").is_mixed());
    assert_close("softmax", &f64s(&predicted.outputs.sum_dim_intlist(1, false, None)), &[1.0; 10], 1e-6, 1.0);
}

#[test]
fn several_labels_per_item_and_numbers_train_with_and_without_stacking() {
    type Make = fn() -> LossFunc;
    let cases: [(&str, &[i64], Make); 3] = [
        ("several labels", &[3], || LossFunc::new(BceWithLogits::default())),
        ("numbers", &[3], || LossFunc::new(Mse)),
        ("one number", &[], || {
            LossFunc::new(per_item(|output: &Tensor, target: &Target| {
                output.f_squeeze_dim(1)?.f_mse_loss(target.tensor(), tch::Reduction::None)
            }))
        }),
    ];
    for (what, shape, loss) in cases {
        for stack_y in [true, false] {
            let batch = |n: i64, seed| {
                let y = random(&[&[n], shape].concat(), Kind::Float, seed + 10);
                let y = if what == "several labels" { y.gt(0.0).to_kind(Kind::Float) } else { y };
                (random(&[n, 4], Kind::Float, seed), Target::from(y))
            };
            let data = prepared(&[batch(7, 1), batch(2, 2)]).expect("whole batches");
            let outputs = shape.first().copied().unwrap_or(1);
            let mixup = MixUp::default().stack_y(stack_y);
            let learn = Learner::builder(data, linear(4, outputs)).loss(loss()).callback(mixup).quiet().build();
            let report = learn.expect("a learner").fit(2, 0.01).expect(what);
            assert!(report.epochs.iter().all(|epoch| epoch.train_loss.is_finite()), "{what}, stack_y {stack_y}");
        }
    }
}

#[test]
fn a_loss_of_the_whole_batch_is_rejected_for_mixing() {
    let loss = of_batch(|output: &Tensor, target: &Target| output.cross_entropy_for_logits(target.tensor()));
    let mut learn =
        Learner::builder(batches(false), linear(4, 3)).loss(loss).mixup().quiet().build().expect("a learner");
    let error = learn.fit(1, 0.01).expect_err("one loss for five items");
    let mixup::training::Error::Loss { source, .. } = &error else { panic!("{error}") };
    assert!(
        matches!(source.downcast_ref(), Some(LossError::NotPerItem { items: 5, got, .. }) if got.is_empty()),
        "{error}"
    );
}

#[test]
fn the_same_seed_mixes_the_same_way_and_another_seed_differently() {
    let trained = |seed| {
        let learn = Learner::builder(batches(false), linear(4, 3)).mixup().seed(seed).quiet().build();
        let mut learn = learn.expect("a learner");
        let report = learn.fit(2, 0.01).expect("a training");
        (parameters(&learn), report.last().map(|epoch| epoch.train_loss))
    };
    assert_eq!(trained(1), trained(1));
    assert_ne!(trained(1), trained(2));
}
