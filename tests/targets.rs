//! Every kind of target in a real training with `MixUp`: the loss falls, validation is plain, and predictions work.

use mixup::{model::Vars, prelude::*};
use tch::{Kind, Tensor, nn};

mod numbers;
use numbers::{f64s, random};

const ITEMS: i64 = 48;

fn x() -> Tensor {
    random(&[ITEMS, 4], Kind::Float, 1)
}

/// Class 0 to 2 for each item, by the largest of its first three numbers.
fn labels() -> Tensor {
    x().narrow(1, 0, 3).argmax(1, false)
}

fn linear(outputs: i64) -> impl FnOnce(&Vars<'_>) -> nn::Linear {
    // `nn::linear` would draw from libtorch's generator, which is shared with the tests that run at the same time.
    move |vars| {
        let ws = vars.path().var_copy("weight", &random(&[outputs, 4], Kind::Float, 77));
        nn::Linear { ws, bs: Some(vars.path().zeros("bias", &[outputs])) }
    }
}

/// Trains with each way of mixing that the target allows. The validation loss must fall to a fraction of its initial value.
#[track_caller]
fn trains(what: &str, target: &Target, outputs: i64, loss: impl Fn() -> LossFunc, dense: bool, part: f64) {
    for stack_y in [true, false].into_iter().filter(|stack_y| *stack_y || dense) {
        let items = || TensorDataset::new(x(), target.shallow_clone()).expect("a target for each");
        let data = Data::builder(items()).valid(items()).batch_size(9).build().expect("there are items");
        let mixup = MixUp::new(0.2).expect("an alpha above 0").stack_y(stack_y);
        let builder = Learner::builder(data, linear(outputs)).loss(loss()).callback(mixup).seed(5).quiet();
        let mut learn = builder.build().expect("a learner");
        let before = learn.validate().expect("there is validation data").loss;
        let report = learn.fit(40, 0.05).expect(what);
        let after = report.last().and_then(|epoch| epoch.valid_loss).expect("there is validation data");
        assert!(after < part * before, "{what}, stack_y {stack_y}: {after} after {before}");
        let found = learn.predictions().expect("there is validation data");
        assert_eq!(found.losses.as_ref().expect("the data has targets").size(), [ITEMS], "{what}");
        assert_eq!(found.targets.as_ref().expect("the data has targets").to_string(), target.to_string(), "{what}");
    }
}

#[test]
fn class_indices_train() {
    let loss = || LossFunc::new(CrossEntropy::default());
    trains("class indices", &labels().into(), 3, loss, false, 0.5);
}

#[test]
fn class_indices_train_with_class_weights_an_ignored_class_and_label_smoothing() {
    let weight = || Some(Tensor::from_slice(&[1.0_f32, 2.0, 0.5]));
    let loss = || LossFunc::new(CrossEntropy { weight: weight(), ignore_index: 1, label_smoothing: 0.0 });
    trains("weighed class indices", &labels().into(), 3, loss, false, 0.7);
    let loss = || LossFunc::new(CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() });
    trains("smoothed class indices", &labels().into(), 3, loss, false, 0.7);
}

#[test]
fn one_hot_and_soft_labels_train() {
    let one_hot = labels().one_hot(3).to_kind(Kind::Float);
    let loss = || LossFunc::new(CrossEntropy::default());
    trains("one-hot labels", &one_hot.shallow_clone().into(), 3, loss, true, 0.5);
    let soft = one_hot * 0.9 + 0.1 / 3.0;
    trains("soft labels", &soft.into(), 3, loss, true, 0.7);
    let smoothed = || LossFunc::new(CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() });
    trains("smoothed one-hot labels", &labels().one_hot(3).to_kind(Kind::Float).into(), 3, smoothed, true, 0.7);
}

#[test]
fn several_labels_for_each_item_train() {
    let several = x().narrow(1, 0, 3).gt(0.0).to_kind(Kind::Float);
    trains("several labels", &several.into(), 3, || LossFunc::new(BceWithLogits::default()), true, 0.5);
}

#[test]
fn one_number_and_many_numbers_train() {
    let many = x().matmul(&random(&[4, 5], Kind::Float, 3));
    trains("five numbers", &many.shallow_clone().into(), 5, || LossFunc::new(Mse), true, 0.2);
    trains("one number, [n, 1]", &many.narrow(1, 0, 1).into(), 1, || LossFunc::new(Mse), true, 0.2);
    let one = per_item(|output: &Tensor, target: &Target| {
        output.f_squeeze_dim(1)?.f_mse_loss(target.tensor(), tch::Reduction::None)
    });
    trains("one number, [n]", &many.select(1, 0).into(), 1, || LossFunc::new(one), true, 0.2);
}

#[test]
fn a_label_for_each_pixel_trains() {
    // Images of 6×5 pixels. The brighter of two channels is the class of a pixel; the pixels of the border are ignored.
    let images = random(&[12, 2, 6, 5], Kind::Float, 1);
    let labels = images.argmax(1, false);
    let _ = labels.narrow(2, 0, 1).fill_(-100);
    let items = || TensorDataset::new(images.shallow_clone(), labels.shallow_clone()).expect("a target for each");
    let data = Data::builder(items()).valid(items()).batch_size(5).build().expect("there are items");
    let model = |vars: &Vars<'_>| {
        let ws = vars.path().var_copy("weight", &random(&[2, 2, 1, 1], Kind::Float, 7));
        nn::seq().add_fn(move |x| x.conv2d(&ws, None::<&Tensor>, 1, 0, 1, 1))
    };
    let mut learn = Learner::builder(data, model).mixup().seed(5).quiet().build().expect("a learner");
    let before = learn.validate().expect("there is validation data").loss;
    learn.fit(30, 0.05).expect("it trains");
    let after = learn.validate().expect("there is validation data").loss;
    assert!(after < 0.5 * before, "{after} after {before}");
    let found = learn.predictions().expect("there is validation data");
    assert_eq!(found.outputs.size(), [12, 2, 6, 5]);
    assert_eq!(f64s(found.targets.as_ref().expect("the data has targets").tensor()), f64s(&labels));
}

#[test]
fn label_smoothing_works_inside_the_loss_of_mixup_and_of_cutmix() {
    let images = random(&[20, 1, 4, 4], Kind::Float, 1);
    let labels = images.mean_dim([1_i64, 2, 3].as_slice(), false, None).gt(0.0).to_kind(Kind::Int64);
    let learner = |cut: bool| {
        let items = || TensorDataset::new(images.shallow_clone(), labels.shallow_clone()).expect("a target for each");
        let data = Data::builder(items()).valid(items()).batch_size(6).build().expect("there are items");
        let model = |vars: &Vars<'_>| {
            let ws = vars.path().var_copy("weight", &random(&[2, 16], Kind::Float, 7));
            nn::seq().add_fn(move |x| x.flatten(1, -1).linear(&ws, None::<&Tensor>))
        };
        let smoothed = CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() };
        let builder = Learner::builder(data, model).loss(smoothed).seed(5).quiet();
        if cut { builder.callback(CutMix::default()) } else { builder.mixup() }.build().expect("a learner")
    };
    for cut in [false, true] {
        let mut learn = learner(cut);
        let before = learn.validate().expect("there is validation data").loss;
        learn.fit(30, 0.05).expect("it trains");
        let after = learn.validate().expect("there is validation data").loss;
        assert!(after < 0.7 * before, "CutMix {cut}: {after} after {before}");
        assert_eq!(learn.loss_func().name(), "CrossEntropy");
    }
}
