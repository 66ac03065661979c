//! The finder of learning rates: what it sweeps and suggests, and that everything is as before afterwards.

use mixup::{
    callbacks::{LrCurve, LrFinder},
    prelude::*,
};
use serde::Deserialize;
use tch::nn;

use crate::{
    numbers::assert_close,
    support::{bits, data, on},
};

/// A curve, and what fastai suggests for it (`golden/lr_find.py`).
#[derive(Deserialize)]
struct Golden {
    lrs: Vec<f64>,
    losses: Vec<f64>,
    valley: f64,
    steepest: f64,
}

fn golden() -> Vec<Golden> {
    serde_json::from_str(include_str!("../golden/lr_find.json")).expect("the file is valid")
}

#[test]
fn the_suggestions_are_those_of_fastai() {
    for Golden { lrs, losses, valley, steepest } in golden() {
        let curve = LrCurve::of(lrs, losses);
        assert_close("valley", &[curve.valley().unwrap()], &[valley], 1e-9, 0.0);
        assert_close("steepest", &[curve.steepest().unwrap()], &[steepest], 1e-9, 0.0);
    }
    let short = LrCurve::of(vec![1e-3; 15], vec![1.0; 15]);
    assert_eq!((short.valley(), short.steepest()), (None, None));
}

#[test]
fn the_rates_are_those_of_fastai_in_each_group_and_the_sweep_ends_when_the_loss_diverges() {
    let mut learn = on(data(20, 5)).group("bias", |name, _| name == "bias").build().unwrap();
    let curve = learn.lr_find_with(LrFinder::default().stop_at_divergence(false)).unwrap();
    let lrs = &golden()[3].lrs; // a whole sweep of 100
    assert_close("lrs", &curve.lrs, lrs, 1e-9, 0.0);
    assert_eq!(curve.losses.len(), 100);
    let far = LrFinder::default().between(1e-2, 1e4);
    let diverged = learn.lr_find_with(far).unwrap();
    let best = diverged.losses.iter().copied().fold(f64::INFINITY, f64::min);
    let (last, others) = diverged.losses.split_last().unwrap();
    assert!(*last > 4.0 * best && others.iter().all(|loss| *loss <= 4.0 * best), "{diverged:?}");
}

#[test]
fn the_rates_are_those_of_the_sweep_whatever_other_callbacks_set() {
    struct Sets;

    #[callback(order = 100)]
    impl Sets {
        #[on(batch_begin, train)]
        fn set(opt: &mut dyn Optimizer) {
            opt.set_lr(0.5);
        }
    }

    let half = Scheduler::new(Schedule::constant(0.5));
    let mut learn = on(data(20, 5)).callback(Sets).callback(half).build().unwrap();
    let curve = learn.lr_find_with(LrFinder::default().stop_at_divergence(false)).unwrap();
    assert_close("lrs", &curve.lrs, &golden()[3].lrs, 1e-9, 0.0);
}

#[test]
fn the_plot_leaves_out_the_rates_at_which_the_loss_explodes() {
    let numbers: Vec<f64> = (1..=20).map(f64::from).collect();
    let curve = LrCurve::of(numbers.clone(), numbers.clone());
    let plotted = |curve: &LrCurve, end: &str| assert!(format!("{:?}", curve.plot()).contains(end));
    plotted(&curve, "(15.0, 15.0)])]");
    plotted(&LrCurve::of(numbers[..4].to_vec(), numbers[..4].to_vec()), "(4.0, 4.0)])]");
}

#[test]
fn a_rate_out_of_range_is_rejected() {
    let mut learn = on(data(20, 5)).build().unwrap();
    let error = learn.lr_find_with(LrFinder::default().between(0.0, 1.0)).unwrap_err().to_string();
    assert!(error.contains("the optimizer's first learning rate in a sweep is 0: it must be above 0"), "{error}");
}

fn mixing() -> Learner {
    on(data(22, 5))
        .optimizer(Adam::default())
        .mixup()
        .callback(Accumulate::batches(2))
        .callback(Scheduler::new(Schedule::cosine(1.0, 0.0)))
        .callback(Recorder::default())
        .metric(accuracy)
        .build()
        .unwrap()
}

#[test]
fn a_training_after_the_sweep_is_the_one_without_it_to_the_bit() {
    let (mut with, mut without) = (mixing(), mixing());
    for learn in [&mut with, &mut without] {
        learn.fit(2, 0.1).unwrap();
    }
    let (state, report, values) = (with.state().unwrap(), with.report(), with.values().get("accuracy").unwrap().read());
    let curve = with.lr_find().unwrap();
    assert!(curve.lrs.len() > 20, "{curve:?}");
    assert_eq!(with.state().unwrap(), state);
    assert_eq!((with.report().epochs, with.report().outcome), (report.epochs, report.outcome));
    assert_eq!(with.values().get("accuracy").unwrap().read().unwrap(), values.unwrap());
    assert_eq!(bits(&with), bits(&without));

    for learn in [&mut with, &mut without] {
        learn.fit(2, 0.1).unwrap();
    }
    assert_eq!(bits(&with), bits(&without));
    assert_eq!(with.state().unwrap(), without.state().unwrap());
}

#[test]
fn a_sweep_before_the_first_training_changes_nothing_either() {
    let (mut with, mut without) = (mixing(), mixing());
    with.lr_find().unwrap();
    assert_eq!(with.state().unwrap(), without.state().unwrap());
    for learn in [&mut with, &mut without] {
        learn.fit_one_cycle(2, 0.1).unwrap();
    }
    assert_eq!(bits(&with), bits(&without));
}

#[test]
fn running_statistics_and_frozen_groups_are_as_before() {
    let data = data(22, 5);
    let model = |vs: &mixup::model::Vars<'_>| {
        let norm = nn::batch_norm1d(vs / "norm", 3, nn::BatchNormConfig::default());
        nn::seq_t().add(norm).add(nn::linear(vs / "out", 3, 2, nn::LinearConfig::default()))
    };
    let mut learn =
        Learner::builder(data, model).group("norm", |name, _| name.starts_with("norm")).quiet().build().unwrap();
    learn.freeze("norm").unwrap();
    let all = |learn: &Learner| {
        let mut all: Vec<_> = learn.params().var_store().variables().into_iter().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let numbers =
            |(_, tensor): (String, tch::Tensor)| Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).unwrap();
        all.into_iter().map(numbers).collect::<Vec<_>>()
    };
    let before = all(&learn);
    learn.lr_find().unwrap();
    assert_eq!(all(&learn), before);
    assert!(learn.params().group("norm").unwrap().all(mixup::model::Param::is_frozen));
    assert!(learn.params().group("default").unwrap().all(|param| !param.is_frozen()));
}

#[test]
fn a_failed_sweep_brings_everything_back_and_writes_no_checkpoint() {
    struct Fails;

    #[callback]
    impl Fails {
        #[on(batch_end, train, if = iteration == 7)]
        fn fail(finder: Option<&LrFinder>) -> Result<(), BoxError> {
            if finder.is_some() { Err("no".into()) } else { Ok(()) }
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let checkpoints = || Checkpoints::in_dir(folder.path()).every_batches(1);
    let mut learn = on(data(40, 5)).checkpoints(checkpoints()).callback(Fails).build().unwrap();
    let (before, state) = (bits(&learn), learn.state().unwrap());
    let error = learn.lr_find().unwrap_err().to_string();
    assert!(error.contains("callback `Fails`"), "{error}");
    assert_eq!((bits(&learn), learn.state().unwrap()), (before, state));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    learn.fit(1, 0.1).unwrap();
    assert!(learn.get::<LrFinder>().is_none() && std::fs::read_dir(folder.path()).unwrap().count() > 0);
}

#[test]
fn the_sweep_goes_by_steps_of_the_optimizer() {
    let mut learn = on(data(64, 0)).callback(Accumulate::batches(4)).callback(Lrs::default()).build().unwrap();
    let curve = learn.lr_find_with(LrFinder::default().steps(8)).unwrap();
    let seen = &learn.get::<Lrs>().unwrap().0;
    assert_eq!((curve.lrs.len(), seen.len()), (8, 32));
    assert!(seen.chunks(4).zip(&curve.lrs).all(|(four, lr)| *four == [*lr; 4]), "{seen:?}");
}

#[derive(Default)]
struct Lrs(Vec<f64>);

#[callback]
impl Lrs {
    fn on_backward_begin(&mut self, opt: &dyn Optimizer) {
        self.0.push(opt.lr());
    }
}
