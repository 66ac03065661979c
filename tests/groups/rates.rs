//! Learning rates for each group, by `fit` and by callbacks.

use mixup::{
    optim::{LrError, SettingError},
    prelude::*,
    training::BuildError,
};

use super::{builder, built, in_groups, numbers::assert_close, parameters};

fn rejected(learn: &mut Learner, lr: impl Into<Lr>) -> (LrError, String) {
    let before = (learn.opt().hypers().clone(), parameters(learn));
    let error = learn.fit(1, lr).expect_err("no such rates");
    assert_eq!((learn.opt().hypers().clone(), parameters(learn)), before);
    let text = error.to_string();
    let Error::Build(BuildError::LearningRate(error)) = error else { panic!("{text}") };
    (error, text)
}

#[test]
fn one_rate_is_for_all_groups() {
    let mut learn = built(in_groups(Sgd::default()));
    learn.fit(1, 0.25).expect("a training");
    assert_eq!(learn.opt().hypers().lrs(), [0.25, 0.25]);
    assert_eq!(learn.opt().lr(), 0.25);
}

#[test]
fn a_spread_rises_from_the_first_group_to_the_last_by_one_factor() {
    let builder = builder(Sgd::default()).group("stem", |name, _| name == "trunk.weight");
    let builder = builder.group("trunk", |name, _| name == "trunk.bias").group("head", |name, _| name == "head.weight");
    let mut learn = built(builder);
    learn.fit(1, Lr::spread(1e-4, 1e-1)).expect("a training");
    // fastai's `even_mults(1e-4, 1e-1, 4)`.
    assert_close("rates", &learn.opt().hypers().lrs(), &[1e-4, 1e-3, 1e-2, 1e-1], 1e-12, 0.0);
    assert_eq!((learn.opt().hyper("stem").expect("a group").lr, learn.opt().lr()), (1e-4, 1e-1), "the ends are exact");
    learn.fit(1, Lr::spread(0.5, 0.004)).expect("it may fall, too");
    assert_close("rates", &learn.opt().hypers().lrs(), &[0.5, 0.1, 0.02, 0.004], 1e-12, 0.0);
}

#[test]
fn rates_that_do_not_fit_the_groups_are_rejected_and_change_nothing() {
    let mut two = built(in_groups(Sgd::default()));
    let (error, text) = rejected(&mut two, Lr::each([0.1, 0.2, 0.3]));
    assert!(matches!(error, LrError::Count { rates: 3, .. }), "{error:?}");
    assert_eq!(text, "there are 3 learning rates for 2 groups: give one for each of `trunk` and `head`");
    assert!(matches!(rejected(&mut two, Lr::each([])), (LrError::Count { rates: 0, .. }, _)));
    assert!(matches!(rejected(&mut two, Lr::each([0.1, -0.2])), (LrError::Rate { lr }, _) if lr == -0.2));
    assert!(matches!(rejected(&mut two, Lr::each([f64::NAN, 0.2])), (LrError::Rate { .. }, _)));
    for (first, last) in [(0.0, 0.1), (0.1, 0.0), (-0.1, 0.1), (f64::NAN, 0.1)] {
        assert!(matches!(rejected(&mut two, Lr::spread(first, last)), (LrError::Ends { .. }, _)));
    }
    assert!(matches!(rejected(&mut two, Lr::spread(0.1, f64::INFINITY)), (LrError::Rate { .. }, _)));

    let mut one = built(builder(Sgd::default()));
    let (error, text) = rejected(&mut one, Lr::spread(0.1, 0.2));
    assert!(matches!(error, LrError::OneGroup { .. }), "{error:?}");
    let expected =
        "learning rates can't be spread over one group, `default`: add groups with `.group(…)`, or give a single rate";
    assert_eq!(text, expected);
    one.fit(1, Lr::each([0.1])).expect("one rate for one group");
}

/// Halves the head's rate after each epoch.
struct Halve;

#[callback]
impl Halve {
    fn on_epoch_end(opt: &mut dyn Optimizer) -> Result<(), GroupError> {
        opt.hyper_mut("head")?.lr *= 0.5;
        Ok(())
    }
}

#[test]
fn a_callback_changes_the_rate_of_one_group() {
    let mut learn = built(in_groups(Sgd::default()).callback(Halve).callback(Recorder::default()));
    learn.fit(3, Lr::each([0.1, 0.4])).expect("a training");
    assert_eq!(learn.opt().hypers().lrs(), [0.1, 0.05]);
    let recorder = learn.get::<Recorder>().expect("it was added");
    assert_eq!(recorder.lrs().iter().step_by(5).collect::<Vec<_>>(), [&0.4, &0.2, &0.1], "the last group's");
}

#[test]
fn a_callback_that_asks_for_an_unknown_group_gets_an_error_that_lists_the_groups() {
    let mut learn = built(builder(Sgd::default()).group("body", |name, _| name.starts_with("trunk")).callback(Halve));
    let error = learn.fit(1, 0.1).expect_err("there is no head").to_string();
    let expected =
        "callback `Halve`, hook `on_epoch_end`, epoch 0: no group is named `head`: the groups are `body` and `default`";
    assert_eq!(error, expected);
}

/// Multiplies all rates with which the training began.
struct Scale(Vec<f64>);

#[callback]
impl Scale {
    fn on_train_begin(&mut self, opt: &dyn Optimizer) {
        self.0 = opt.hypers().lrs();
    }

    #[on(batch_begin, train)]
    fn scale(&self, opt: &mut dyn Optimizer, iteration: usize) {
        opt.hypers_mut().set_lrs(self.0.iter().map(|lr| lr * (iteration + 1) as f64));
    }
}

#[test]
fn a_schedule_keeps_the_spread() {
    let mut learn = built(in_groups(Sgd::default()).callback(Scale(Vec::new())));
    learn.fit(1, Lr::each([0.001, 0.01])).expect("a training");
    assert_close("rates", &learn.opt().hypers().lrs(), &[0.005, 0.05], 1e-12, 0.0);
}

#[test]
fn a_setting_out_of_range_is_reported_with_its_group() {
    let mut learn = built(in_groups(Sgd::default()));
    learn.opt_mut().hyper_mut("head").expect("a group").momentum = 1.5;
    let error = learn.fit(1, 0.1).expect_err("no momentum");
    let expected = "the optimizer's momentum for the group `head` is 1.5: it must be at least 0 and below 1";
    assert_eq!(error.to_string(), expected);
    let Error::Build(BuildError::Setting(SettingError { group, .. })) = error else { panic!("{error}") };
    assert_eq!(group.as_deref(), Some("head"));
}
