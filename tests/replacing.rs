//! The optimizer, the loss function and the data replaced between two trainings: what is kept, and what begins anew.

mod numbers;
mod support;

use mixup::{learner::LearnerBuilder, optim::Hypers, prelude::*, state::State, training::BuildError};
use numbers::f64s;
use support::{Linear, Log, bits, data, items, number_is_state, on, series};
use tch::{Kind, Tensor};

fn built(builder: LearnerBuilder<Linear>) -> Learner {
    builder.build().expect("nothing is wrong with it")
}

fn in_groups() -> LearnerBuilder<Linear> {
    on(data(8, 4)).group("weights", |name, _| name == "weight").no_decay(|_, tensor| tensor.dim() < 2)
}

/// A learner that begins with the parameters of another.
fn with_parameters(builder: LearnerBuilder<Linear>, of: &Learner) -> Learner {
    let learn = built(builder);
    tch::no_grad(|| {
        for ((_, from), (_, to)) in of.params().iter().zip(learn.params().iter()) {
            to.shallow_clone().copy_(from);
        }
    });
    learn
}

fn fit(learn: &mut Learner) {
    learn.fit(1, 0.1).expect("it trains");
}

#[test]
fn a_new_optimizer_begins_without_moments_and_keeps_the_parameters() {
    let mut learn = built(on(data(8, 4)).optimizer(Adam::default()));
    fit(&mut learn);
    let mut fresh = with_parameters(on(data(8, 4)).optimizer(Sgd::default().momentum(0.9)), &learn);
    let before = bits(&learn);
    learn.set_optimizer(Sgd::default().momentum(0.9)).expect("its settings are right");
    assert_eq!(bits(&learn), before);
    fit(&mut learn);
    fit(&mut fresh);
    assert_eq!(bits(&learn), bits(&fresh));
    // The same optimizer once more also forgets its moments.
    let mut fresh = with_parameters(on(data(8, 4)).optimizer(Sgd::default().momentum(0.9)), &learn);
    learn.set_optimizer(Sgd::default().momentum(0.9)).expect("its settings are right");
    fit(&mut learn);
    fit(&mut fresh);
    assert_eq!(bits(&learn), bits(&fresh));
}

#[test]
fn a_new_optimizer_has_the_groups_with_its_own_settings_and_freezing_stays() {
    let mut learn = built(in_groups().optimizer(Sgd::default()));
    learn.opt_mut().hyper_mut("weights").expect("there is one").momentum = 0.5;
    learn.freeze("weights").expect("there is one");
    learn.set_optimizer(Sgd::default().momentum(0.9).wd(0.1)).expect("its settings are right");
    let settings =
        |hypers: &Hypers| -> Vec<_> { hypers.iter().map(|(name, hyper)| (name.to_owned(), hyper.momentum)).collect() };
    assert_eq!(settings(learn.opt().hypers()), [("weights".to_owned(), 0.9), ("default".to_owned(), 0.9)]);
    let decays: Vec<_> = learn.params().as_slice().iter().map(|param| (param.is_frozen(), param.decays())).collect();
    assert_eq!(decays, [(true, true), (false, false)]);
    let before = bits(&learn);
    learn.fit(1, Lr::each([0.5, 0.1])).expect("it trains");
    assert_eq!(learn.opt().hypers().lrs(), [0.5, 0.1]);
    let after = bits(&learn);
    assert_eq!((after[..6] == before[..6], after[6..] == before[6..]), (true, false), "only the bias is trained");
}

#[test]
fn one_of_several_optimizers_is_replaced_and_the_others_keep_their_moments() {
    let several = |weights: Sgd| {
        on(data(8, 4))
            .group("weights", |name, _| name == "weight")
            .optimizer_for("weights", weights)
            .optimizer(Adam::default())
    };
    let mut learn = built(several(Sgd::default().momentum(0.9)));
    fit(&mut learn);
    let of = |learn: &mut Learner, name: &str| {
        let whole = State::of(&learn.opt_mut().stateful()).expect("its state");
        whole.part(&format!("optimizer/{name}")).expect("there is one")
    };
    let before = of(&mut learn, "default");
    learn.set_optimizer_for("weights", Sgd::default().momentum(0.5)).expect("its settings are right");
    assert_eq!(of(&mut learn, "default"), before, "the other optimizer stays");
    assert_eq!(learn.opt().hyper("weights").map(|hyper| hyper.momentum), Ok(0.5));
    let fresh = of(&mut built(several(Sgd::default().momentum(0.5))), "weights");
    assert_eq!(of(&mut learn, "weights").tensor_names().count(), fresh.tensor_names().count(), "it has no moments");
    fit(&mut learn);
    learn.set_optimizer(RmsProp::default()).expect("its settings are right");
    assert_ne!(of(&mut learn, "default"), before);
    fit(&mut learn);
    let error = learn.set_optimizer_for("bias", Sgd::default()).expect_err("there is none");
    let Error::Build(BuildError::NoOptimizer { optimizers, .. }) = &error else { panic!("{error}") };
    assert_eq!(*optimizers, ["weights", "default"]);
}

#[test]
fn a_new_optimizer_that_does_not_fit_leaves_the_old_one() {
    struct Asks;

    #[callback]
    impl Asks {
        fn on_step_end(opt: &mut Sgd) {
            let _ = opt;
        }
    }

    let mut learn = built(on(data(8, 4)).optimizer(Sgd::default().momentum(0.9)).callback(Asks));
    fit(&mut learn);
    let moments = |learn: &mut Learner| State::of(&learn.opt_mut().stateful()).expect("its state");
    let before = moments(&mut learn);
    let error = learn.set_optimizer(AdamW::default()).expect_err("a callback asks for the other");
    assert!(matches!(&error, Error::Build(BuildError::OtherType { what: "optimizer", .. })), "{error}");
    let error = learn.set_optimizer(Sgd::default().momentum(2.0)).expect_err("it is out of range");
    assert!(matches!(&error, Error::Build(BuildError::Setting(setting)) if setting.name == "momentum"), "{error}");
    assert_eq!(moments(&mut learn), before);
    fit(&mut learn);
}

#[test]
fn a_new_loss_function_is_trained_validated_and_predicted_with_and_everything_else_stays() {
    let one_hot = || {
        let targets = Tensor::arange(8, (Kind::Int64, tch::Device::Cpu)).remainder(2).one_hot(2).to_kind(Kind::Float);
        let set = TensorDataset::new(series(24, 0.37).reshape([8, 3]), targets).expect("as many");
        Data::builder(set).batch_size(4).shuffle(false).build().expect("there are items")
    };
    let momentum = || on(one_hot()).optimizer(Sgd::default().momentum(0.9));
    let mut learn = built(momentum());
    fit(&mut learn);
    let moments = State::of(&learn.opt_mut().stateful()).expect("its state");
    let mut twin = with_parameters(momentum().loss(Mse), &learn);
    moments.load_into(&mut twin.opt_mut().stateful()).expect("the same optimizer");
    let softmax = learn.predict(series(6, 0.3).reshape([2, 3])).expect("two items").outputs;
    learn.set_loss(Mse).expect("it takes a tensor");
    assert_eq!(learn.loss_func().name(), "Mse");
    let plain = learn.predict(series(6, 0.3).reshape([2, 3])).expect("two items").outputs;
    assert!(
        f64s(&plain.softmax(1, Kind::Float)).iter().zip(f64s(&softmax)).all(|(one, other)| (one - other).abs() < 1e-6)
    );
    assert_ne!(plain, softmax);
    let loss = learn.validate_on(Part::Train).expect("it is there").loss;
    assert_eq!(loss.to_bits(), twin.validate_on(Part::Train).expect("it is there").loss.to_bits());
    fit(&mut learn);
    fit(&mut twin);
    assert_eq!(bits(&learn), bits(&twin));
    assert_eq!(learn.position().epochs_before, 2);
}

#[test]
fn a_loss_function_for_another_output_is_refused_and_the_old_one_stays() {
    let mut learn = built(on(data(8, 4)));
    let pairs = |_: &(Tensor, Tensor), _: &Target, _: Reduction| Tensor::from(0.0_f32);
    let error = learn.set_loss(pairs).expect_err("the model returns a tensor");
    let Error::Build(BuildError::OtherLoss { takes, output, .. }) = &error else { panic!("{error}") };
    assert_eq!((takes.as_str(), output.as_str()), ("(Tensor, Tensor)", "Tensor"));
    assert_eq!(learn.loss_func().name(), "CrossEntropy");
    fit(&mut learn);
}

/// Records which items it has seen, by their first feature.
struct Seen(Log);

#[callback]
impl Seen {
    #[on(batch_begin, train)]
    fn see(&self, last_input: &Input) -> Result<(), mixup::error::BoxError> {
        self.0.add(format!("{:?}", f64s(&last_input.one()?.f_select(1, 0)?)));
        Ok(())
    }
}

fn shuffled(count: i64) -> Data {
    Data::builder(items(count)).batch_size(4).classes(["a", "b"]).build().expect("there are items")
}

#[test]
fn new_data_is_trained_on_in_the_order_of_the_next_epoch_and_the_old_data_is_returned() {
    let log = Log::default();
    let mut learn = built(on(shuffled(8)).callback(Seen(log.clone())));
    fit(&mut learn);
    let first = log.take();
    let old = learn.set_data(shuffled(8));
    assert_eq!(old.train().items(), Some(8));
    fit(&mut learn);
    let second = log.take();
    assert_ne!(first, second, "the next epoch has another order");
    // The order is that of a learner that keeps equal data: the counts go on.
    let mut kept = built(on(shuffled(8)).callback(Seen(log.clone())));
    kept.fit(2, 0.1).expect("it trains");
    assert_eq!(log.take(), [first, second].concat());
    assert_eq!(bits(&learn), bits(&kept), "the parameters and the moments stay");
    learn.set_data(data(12, 4));
    assert!(learn.data().classes().is_empty());
    assert_eq!(learn.fit(1, 0.1).expect("it trains").epochs[0].valid_loss.map(f64::is_finite), Some(true));
    assert_eq!(log.take().len(), 3);
}

/// Draws the items from behind, and counts its epochs.
#[derive(Clone, Default)]
struct Counting(u32);

impl Sampler for Counting {
    fn order(&mut self, items: usize, _: &mut Rng) -> Result<Vec<usize>, DataError> {
        Ok((0..items).rev().collect())
    }

    fn stateful(&mut self) -> Option<&mut dyn Stateful> {
        Some(self)
    }
}

number_is_state!(Counting);

#[test]
fn new_data_brings_its_own_sampler() {
    let log = Log::default();
    let mut learn = built(on(data(8, 0)).callback(Seen(log.clone())));
    fit(&mut learn);
    let forward = log.take();
    assert!(!learn.state().expect("a state").0.contains_key("sampler"));
    let data = Data::builder(items(8)).batch_size(8).sampler(Counting(7)).build().expect("there are items");
    learn.set_data(data);
    let state = learn.state().expect("a state");
    assert_eq!(state.0["sampler"], State::of_data(&7_u32).expect("a number"));
    fit(&mut learn);
    let backward = log.take();
    let numbers = |lines: &[String]| -> Vec<String> {
        let all = lines.join(", ").replace(['[', ']'], "");
        all.split(", ").map(str::to_owned).collect()
    };
    let mut expected = numbers(&forward);
    expected.reverse();
    assert_eq!(numbers(&backward), expected);
}

#[test]
fn metrics_and_callbacks_stay_when_everything_else_is_replaced() {
    let mut learn = built(on(data(8, 4)).metric(accuracy).callback(Recorder::default()));
    fit(&mut learn);
    learn.set_data(data(12, 8));
    learn.set_optimizer(AdamW::default()).expect("its settings are right");
    learn.set_loss(CrossEntropy { label_smoothing: 0.1, ..CrossEntropy::default() }).expect("it takes a tensor");
    let report = learn.fit(1, 0.1).expect("it trains");
    assert!(report.metric("accuracy").is_some_and(f64::is_finite));
    assert_eq!(learn.get::<Recorder>().map(|recorder| recorder.lrs().len()), Some(3));
}
