//! Callbacks about weights: `Ema`, `Unfreeze`, `BnFreeze`.

use mixup::{callbacks::LrFinder, model::Vars, prelude::*};
use tch::{Tensor, nn};

use crate::{
    numbers::assert_close,
    resumes,
    support::{bits, data, numbers, on},
};

fn f64s(learn: &Learner) -> Vec<f64> {
    numbers(learn).into_iter().map(f64::from).collect()
}

/// The weights after each step.
#[derive(Default)]
struct Steps(Vec<Vec<f64>>);

fn flat(params: &Params) -> Vec<f64> {
    let flat =
        |(_, tensor): (&str, &Tensor)| Vec::<f64>::try_from(tensor.detach().to_kind(tch::Kind::Double).flatten(0, -1));
    params.iter().flat_map(|it| flat(it).expect("numbers")).collect()
}

#[callback]
impl Steps {
    fn on_train_begin(&mut self, params: &Params) {
        self.0 = vec![flat(params)];
    }

    #[on(step_end, if = stepped)]
    fn see(&mut self, params: &Params) {
        self.0.push(flat(params));
    }
}

/// The average by the formula, in `f64`.
fn average(steps: &[Vec<f64>], decay: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut average = steps[0].clone();
    for (step, now) in steps.iter().enumerate().skip(1) {
        let decay = decay(step as f64);
        average.iter_mut().zip(now).for_each(|(average, now)| *average = decay * *average + (1.0 - decay) * now);
    }
    average
}

#[test]
fn the_average_is_that_of_the_formula_after_real_steps() {
    let train = |ema: Ema| {
        let builder = on(data(40, 0)).callback(Accumulate::batches(2)).callback(ema).callback(Steps::default());
        let mut learn = builder.build().unwrap();
        learn.fit(1, 0.5).unwrap();
        let steps = learn.get::<Steps>().unwrap().0.clone();
        assert_eq!(steps.len(), 1 + 5);
        (f64s(&learn), steps)
    };
    let (weights, steps) = train(Ema::new(0.9));
    assert_close("average", &weights, &average(&steps, |_| 0.9), 1e-6, 0.1);
    let (weights, steps) = train(Ema::new(0.9).warm_up());
    assert_close("warm-up", &weights, &average(&steps, |step| ((1.0 + step) / (10.0 + step)).min(0.9)), 1e-6, 0.1);
    let (weights, steps) = train(Ema::new(0.9).at_end(false));
    assert_eq!(weights, steps[5]);
}

#[test]
fn validations_in_a_training_see_the_average_and_training_goes_on_with_its_own_weights() {
    #[derive(Default)]
    struct Seen(Vec<Vec<f64>>);

    #[callback]
    impl Seen {
        #[on(batch_begin, valid)]
        fn see(&mut self, params: &Params) {
            self.0.push(flat(params));
        }
    }

    let build = |ema: bool| {
        let builder = on(data(16, 4)).callback(Steps::default()).callback(Seen::default()).validate_every(2);
        if ema { builder.callback(Ema::new(0.5)) } else { builder }.build().unwrap()
    };
    let (mut with, mut without) = (build(true), build(false));
    let report = with.fit(2, 0.5).unwrap();
    without.fit(2, 0.5).unwrap();
    let steps = with.get::<Steps>().unwrap().0.clone();
    assert_eq!(steps, without.get::<Steps>().unwrap().0);
    let seen = with.get::<Seen>().unwrap().0.clone();
    assert_eq!(seen.len(), 6);
    assert_close("at 2", &seen[0], &average(&steps[..=2], |_| 0.5), 1e-6, 0.1);
    assert_close("at 4", &seen[2], &average(&steps[..=4], |_| 0.5), 1e-6, 0.1);
    // The model is left as it was validated.
    let last = report.epochs[1].valid_loss.unwrap();
    assert_eq!(with.validate().unwrap().loss.to_bits(), last.to_bits());
}

#[test]
fn training_has_its_own_weights_again_after_a_validation_that_failed() {
    struct Fails;

    #[callback]
    impl Fails {
        #[on(batch_end, valid)]
        fn fail() -> Result<(), BoxError> {
            Err("no".into())
        }
    }

    let mut learn = on(data(16, 4)).callback(Ema::new(0.5).at_end(false)).callback(Fails).build().unwrap();
    assert!(learn.fit(1, 0.5).is_err());
    let mut plain = on(data(16, 0)).build().unwrap();
    plain.fit(1, 0.5).unwrap();
    assert_eq!(bits(&learn), bits(&plain));
}

/// A norm, a hidden layer and an output, with first weights that are always the same.
fn with_norm(vars: &Vars<'_>) -> impl nn::ModuleT + use<> {
    tch::set_num_threads(1);
    let norm =
        nn::batch_norm1d(vars / "norm", 3, nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() });
    let config = nn::LinearConfig { ws_init: nn::Init::Const(0.1), bs_init: Some(nn::Init::Const(0.0)), bias: true };
    nn::seq_t().add(norm).add(nn::linear(vars / "hidden", 3, 4, config)).add(nn::linear(vars / "out", 4, 2, config))
}

fn grouped() -> mixup::learner::LearnerBuilder<impl Model> {
    let builder = Learner::builder(data(16, 5), with_norm).optimizer(Sgd::default()).quiet();
    builder.group("norm", |name, _| name.starts_with("norm")).group("hidden", |name, _| name.starts_with("hidden"))
}

fn statistics(learn: &Learner) -> Vec<f64> {
    let of = |name: &str| learn.params().variables()[name].shallow_clone();
    let both = [of("norm.running_mean"), of("norm.running_var")];
    both.iter().flat_map(crate::numbers::f64s).collect()
}

#[test]
fn the_average_has_the_buffers_too() {
    #[derive(Default)]
    struct Buffers(Vec<Vec<f64>>);

    #[callback]
    impl Buffers {
        fn on_step_end(&mut self, params: &Params) {
            let variables = params.variables();
            let both = ["norm.running_mean", "norm.running_var"].map(|name| crate::numbers::f64s(&variables[name]));
            self.0.push(both.concat());
        }
    }

    let mut learn = grouped().callback(Ema::new(0.5)).build().unwrap();
    let mut plain = grouped().build().unwrap();
    let first = statistics(&learn);
    plain.callback(Buffers::default());
    learn.fit(1, 0.1).unwrap();
    plain.fit(1, 0.1).unwrap();
    let all = [vec![first], plain.get::<Buffers>().unwrap().0.clone()].concat();
    assert_close("buffers", &statistics(&learn), &average(&all, |_| 0.5), 1e-6, 0.1);
}

#[test]
fn unfreeze_trains_each_group_from_its_epoch_on() {
    #[derive(Default)]
    struct Frozen(Vec<Vec<bool>>);

    #[callback]
    impl Frozen {
        #[on(batch_begin, train, first)]
        fn see(&mut self, params: &Params) {
            let frozen = |group: &str| params.group(group).unwrap().all(mixup::model::Param::is_frozen);
            self.0.push(["norm", "hidden", "default"].map(frozen).to_vec());
        }
    }

    let unfreeze = || Unfreeze::at(1, "hidden").and_at(2, "norm");
    let mut learn = grouped().callback(unfreeze()).callback(Frozen::default()).build().unwrap();
    learn.fit(3, 0.1).unwrap();
    let seen = learn.get::<Frozen>().unwrap().0.clone();
    assert_eq!(seen, [[true, true, false], [true, false, false], [false, false, false]]);
    learn.fit(1, 0.1).unwrap();
    assert!(learn.params().as_slice().iter().all(|param| !param.is_frozen()));

    let error = grouped().callback(Unfreeze::at(1, "trunk")).build().unwrap().fit(1, 0.1).unwrap_err().to_string();
    assert!(error.contains("callback `Unfreeze`, hook `on_train_begin`") && error.contains("`trunk`"), "{error}");
}

#[test]
fn bn_freeze_keeps_the_statistics_of_frozen_norms_only() {
    let train = |freezes: bool, frozen: bool| {
        let builder = grouped();
        let mut learn = if freezes { builder.callback(BnFreeze::default()) } else { builder }.build().unwrap();
        if frozen {
            learn.freeze("norm").unwrap();
        }
        let before = statistics(&learn);
        learn.fit(1, 0.1).unwrap();
        statistics(&learn) == before
    };
    assert!(train(true, true));
    assert!(!train(true, false) && !train(false, true));
}

#[test]
fn weights_go_on_after_a_break_with_mixup() {
    resumes(|| Ok(grouped().mixup().callback(Ema::new(0.9).warm_up()).validate_every(2).build()?), 2, 0.1);
    resumes(|| Ok(grouped().mixup().callback(Unfreeze::at(1, "norm")).callback(BnFreeze::default()).build()?), 2, 0.1);
}

#[test]
fn a_sweep_leaves_averages_and_frozen_groups_as_they_were() {
    let build = || {
        let builder =
            grouped().callback(Ema::new(0.9)).callback(Unfreeze::at(1, "hidden")).callback(BnFreeze::default());
        builder.callback(EarlyStopping::on("valid_loss")).build().unwrap()
    };
    let (mut with, mut without) = (build(), build());
    with.lr_find_with(LrFinder::default().steps(20)).unwrap();
    for learn in [&mut with, &mut without] {
        learn.fit(2, 0.1).unwrap();
    }
    assert_eq!(bits(&with), bits(&without));
    assert_eq!(statistics(&with), statistics(&without));
}
